"""Matching models: images and texts in, unit vectors of one space out (CLIP, SigLIP and their kind)."""
