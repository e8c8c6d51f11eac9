"""Launch: from a recipe to a finished run, for the command line and for Python."""
