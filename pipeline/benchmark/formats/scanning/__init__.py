"""Scanning: every image in a folder, found by what its files hold, whatever they are called and however packed."""
