"""Parity: whether the embed step's vectors are those of the libraries' own paths. A reader starts at parity.py."""
