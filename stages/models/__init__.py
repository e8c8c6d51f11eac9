"""Models: the nets that stages share, one level below them."""
