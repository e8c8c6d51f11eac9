"""Authoring: the commands that turn pairs into a benchmark: author, freeze, people, patterns, export, import."""
