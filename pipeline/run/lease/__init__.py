"""Lease: one driver per run, by a lease that ends with its holder."""
