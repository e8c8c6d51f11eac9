"""Sketch: reduce each blind vector to a few numbers that bound its cosine with any other."""
