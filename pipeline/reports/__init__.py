"""Reports: what a run, a source or an encoder is like: gallery, status, audit, lint, parity."""
