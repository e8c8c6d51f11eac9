"""Recall: the share of true pairs that were found, and how far a draw can tell it."""

from __future__ import annotations

CONFIDENCE = 0.95


def recall(found: int, missed: int) -> float | None:
    """The share found; None where there was nothing to find."""
    return found / (found + missed) if found + missed else None


def interval(found: int, missed: int, *, whole: bool = False) -> tuple[float, float]:
    """Clopper and Pearson's exact interval (Biometrika 26, 1934) of the recall, at 95 %; (0, 1) of no pair.

    `whole`: every pair was compared, so that the recall is known. The interval takes pairs for
    independent draws; those of one crowd of look-alikes are not, so draw many images.
    """
    share = recall(found, missed)
    if share is None:
        return 0.0, 1.0
    if whole:
        return share, share
    from scipy.special import betaincinv  # loaded in a quarter of the time that scipy.stats takes

    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(found, missed + 1, tail)) if found else 0.0
    return low, float(betaincinv(found + 1, missed, 1 - tail)) if missed else 1.0
