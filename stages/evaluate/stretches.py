"""Stretches: how questions are cut into tasks: whole groups, so that no group is split between two tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby


def stretches(groups: Sequence[str], most: int) -> Iterator[tuple[int, int]]:
    """Yield (first, after the last) row of each stretch: whole groups, at most `most` rows unless a group is longer."""
    start = stop = 0
    for _, rows in groupby(groups):
        more = len(list(rows))
        if stop > start and stop + more - start > most:
            yield start, stop
            start = stop
        stop += more
    if stop > start:
        yield start, stop
