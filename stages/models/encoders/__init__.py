"""Encoders: images in, vectors out. Any encoder can be the blind or the reference encoder."""
