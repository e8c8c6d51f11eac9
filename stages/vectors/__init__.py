"""Vectors: reading them by row, their cosine in float64, and the sketch that bounds it."""
