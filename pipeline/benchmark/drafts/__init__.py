"""Drafts: what a model behind an OpenAI-compatible server proposes; it counts once a person takes it."""
