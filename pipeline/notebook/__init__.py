"""Notebook: how a pair and a run look in Jupyter."""
