"""Servers: put questions to a server with OpenAI's chat protocol, many at once, and read what it replies."""
