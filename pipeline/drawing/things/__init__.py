"""Things in scenes: each is placed at its pen's origin and is about one unit large."""
