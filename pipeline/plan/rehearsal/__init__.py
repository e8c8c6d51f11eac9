"""Rehearsal: run the embed step of a recipe on a few drawn photos, so that `plan` can say what it will cost."""
