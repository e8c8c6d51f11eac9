"""Reading: what others published, or annotated in Label Studio, read and checked in full before any of it is used."""
