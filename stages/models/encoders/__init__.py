"""Encoders: images in, vectors out. Any encoder can play the blind one or the reference."""
