"""Evaluate: ask models a benchmark's questions, keep what they reply, read it, and score it."""
