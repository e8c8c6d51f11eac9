"""Readers: how this project and four others read which option a reply chooses, each by its own rules."""
