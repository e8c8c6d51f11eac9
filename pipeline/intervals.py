"""Intervals: how far a share of so many is known."""

from __future__ import annotations

CONFIDENCE = 0.95

Interval = tuple[float, float]


def exact(found: int, of: int) -> Interval:
    """Clopper and Pearson's exact interval (Biometrika 26, 1934) of a share, at 95 %; (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    from scipy.special import betaincinv  # not scipy.stats, which takes a second to load

    tail, others = (1 - CONFIDENCE) / 2, of - found
    low = float(betaincinv(found, others + 1, tail)) if found else 0.0
    return low, float(betaincinv(found + 1, others, 1 - tail)) if others else 1.0
