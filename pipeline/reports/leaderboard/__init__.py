"""Leaderboard: which models see what CLIP does not, as one page and as text."""
