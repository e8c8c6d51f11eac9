"""Scanning: every image in a folder, found by the contents of its files, whatever their names and packing."""
