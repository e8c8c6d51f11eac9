"""Copies: images that cannot be told apart, one of which stands for all."""
