"""The demo's own images: drawn scenes with planted pairs, so that the main job runs anywhere without a download."""
