"""Recall: the share of true pairs that were found, and how precisely a random draw determines it."""

from __future__ import annotations

from stages.accuracy import exact


def recall(found: int, missed: int) -> float | None:
    """Return the share found; None where there was nothing to find."""
    return found / (found + missed) if found + missed else None


def interval(found: int, missed: int, *, whole: bool = False) -> tuple[float, float]:
    """Return Clopper and Pearson's exact 95 % interval of the recall; (0, 1) for no pairs.

    `whole`: every pair was compared, so the recall is known. The interval assumes that pairs are
    independent draws; pairs from one cluster of look-alikes are not, so draw many images.
    """
    share = recall(found, missed)
    if whole and share is not None:
        return share, share
    return exact(found, found + missed)
