"""Pages: what the report pages share: their look, thumbnails, and how a template becomes one safe file."""
