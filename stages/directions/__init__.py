"""Directions: the few along which the blind vectors differ most, for sketches to be taken along."""
