"""Audit: how many pairs the search found, measured by other code than the search's. A reader starts at audit.py."""
