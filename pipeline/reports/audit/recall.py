"""Recall: the share of true pairs that were found, and how far a draw can tell it."""

from __future__ import annotations

from stages.accuracy import exact


def recall(found: int, missed: int) -> float | None:
    """The share found; None where there was nothing to find."""
    return found / (found + missed) if found + missed else None


def interval(found: int, missed: int, *, whole: bool = False) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of the recall, at 95 %; (0, 1) of no pair.

    `whole`: every pair was compared, so that the recall is known. The interval takes pairs for
    independent draws; those of one crowd of look-alikes are not, so draw many images.
    """
    share = recall(found, missed)
    if whole and share is not None:
        return share, share
    return exact(found, found + missed)
