"""Run: START HERE. recipe.py says which steps there are, runner.py makes them in order."""
