"""Command line: it checks options, asks a room, prints its answer. One file for each group of commands."""
