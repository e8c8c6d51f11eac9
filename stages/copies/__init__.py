"""Copies: groups of indistinguishable images, each represented by one of them."""
