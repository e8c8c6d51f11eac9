"""Things that stand in scenes: each stands on its pen's origin and is about one unit large."""
