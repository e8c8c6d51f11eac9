"""Stages: the kinds of work. Each defines which tasks there are and what one task makes."""
