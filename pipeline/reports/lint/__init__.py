"""Lint: what is wrong with a source's shards."""
