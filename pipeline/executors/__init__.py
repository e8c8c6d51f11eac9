"""Executors: where tasks run: processes of this machine, actors of a Ray cluster."""
