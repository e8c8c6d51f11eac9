"""Forget: the command that permanently removes images from a run."""
