"""Imports: files in which other programs write what models replied, one module for each format."""
