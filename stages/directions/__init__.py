"""Directions: the few directions along which the blind vectors differ most, used to make sketches."""
