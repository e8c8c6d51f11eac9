"""Config: the values of a recipe, how they are read, changed, and which presets there are."""
