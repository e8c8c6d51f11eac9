"""Embed: every image that can be read becomes one unit vector per encoder."""
