"""Removal: remove the rows of some images from every step of a run and leave a consistent run."""
