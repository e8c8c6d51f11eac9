"""The command that takes images out of a run for good."""
