"""Rows of some images taken out of every step of a run, what is left a run like any other."""
