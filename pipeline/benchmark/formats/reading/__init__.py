"""Reading: what others published, or wrote in Label Studio, read and checked whole before any of it is taken."""
