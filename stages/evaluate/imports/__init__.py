"""Imports: replies that another program got to a benchmark's questions, one module for each kind of file."""
