"""Benchmark: the questions of a run, frozen version by version, read, checked, and what people got right of them."""
