"""Embed: turn every readable image into one unit vector per encoder."""
