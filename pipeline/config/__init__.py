"""Config: the values of a recipe, how they are read and changed, and which presets there are."""
