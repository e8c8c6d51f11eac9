"""Methods: ways to find, in one tile, the pairs that may reach the floor."""
