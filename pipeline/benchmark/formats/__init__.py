"""Formats: benchmarks and training data in the forms that others read, written from a run and imported into one."""
