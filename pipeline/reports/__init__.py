"""Reports: describe a run, a source or an encoder: gallery, status, audit, lint, parity."""
