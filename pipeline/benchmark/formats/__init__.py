"""Formats: benchmarks and training data in the forms that others read, out of a run and into one."""
