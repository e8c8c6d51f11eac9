"""Audit: how many pairs the search found, measured by code other than the search's. Start reading at audit.py."""
