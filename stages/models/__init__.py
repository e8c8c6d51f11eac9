"""Models: the networks that stages share, one level below them."""
