"""Parity: whether the embed step's vectors match those of the libraries' own paths. Start reading at parity.py."""
