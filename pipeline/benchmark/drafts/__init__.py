"""Drafts: what a model behind an OpenAI-compatible server proposes; a draft counts only once a person accepts it."""
