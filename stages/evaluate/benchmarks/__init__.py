"""Benchmarks: where questions come from, one module a kind, all of them read into the rows of one table."""
