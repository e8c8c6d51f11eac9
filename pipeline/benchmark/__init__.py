"""Benchmark: a run's questions, frozen version by version, read and checked, and how well people answered them."""
