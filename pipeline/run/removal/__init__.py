"""Removal: take the rows of some images out of every step of a run and leave a consistent run."""
