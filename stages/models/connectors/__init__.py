"""Connectors: torch modules that map the features of vision encoders to tokens of a language model."""
