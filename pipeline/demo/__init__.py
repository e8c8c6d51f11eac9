"""The demo's own images: drawn scenes with planted pairs. The main job runs on them anywhere, offline."""
