"""Benchmarks: where questions come from, one module per kind, all of them read into the rows of one table."""
