"""Answering models: a question with an image in, a reply out. Built in, from a checkpoint, or behind a server."""
