"""Writing: a benchmark, or a run's pairs, as files in the form that another program reads."""
