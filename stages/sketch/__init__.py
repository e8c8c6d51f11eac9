"""Sketch: each blind vector in a few numbers that bound its cosine with any other."""
