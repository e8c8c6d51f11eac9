"""Stages: the kinds of work. Each says which tasks there are and what one task makes."""
