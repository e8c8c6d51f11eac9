"""Methods: ways to find the pairs in one tile that may reach the floor."""
