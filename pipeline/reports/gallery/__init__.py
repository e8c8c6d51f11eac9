"""Gallery: one self-contained page of the pairs a run found."""
