"""Kept: the candidates of one tile, capped per image, which also bounds the memory.

A cluster of n look-alikes makes n^2 / 2 pairs, which say little more than a few pairs for each image would. A pair
is kept if it is among the `cap` pairs of lowest reference cosine (the most promising) of either of its images.
Other pairs can be dropped as they come: later pairs only push them further down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MORE = 1 << 20  # pairs added before those over the cap are dropped again

Numbers = NDArray[np.int64]
Cosines = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Pairs, given by the places of their two images in a tile, with both cosines."""

    left: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    right: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    blind: Cosines = field(default_factory=lambda: np.zeros(0))
    reference: Cosines = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, which: NDArray[np.generic] | slice) -> Found:
        return Found(self.left[which], self.right[which], self.blind[which], self.reference[which])

    @staticmethod
    def joined(parts: Sequence[Found]) -> Found:
        """Concatenate the pairs of all parts."""
        left, right = (np.concatenate([getattr(part, side) for part in parts]) for side in ("left", "right"))
        blind, reference = (np.concatenate([getattr(part, role) for part in parts]) for role in ("blind", "reference"))
        return Found(left, right, blind, reference)


class Kept:
    """Collects pairs in any order; which pairs it keeps does not depend on that order."""

    def __init__(self, cap: int | None, apart: int) -> None:
        """`apart`: offset that makes places on the right distinct from those on the left; 0 on the diagonal."""
        self._cap, self._apart = cap, apart
        self._parts: list[Found] = []
        self._waiting, self._limit = 0, MORE
        self.taken = 0

    def add(self, found: Found) -> None:
        self.taken += len(found)
        self._parts.append(found)
        self._waiting += len(found)
        if self._cap is not None and self._waiting > self._limit:
            self._drop()
            self._limit = 2 * self._waiting + MORE

    def pairs(self) -> Found:
        """Return the kept pairs, sorted by left place, then right."""
        self._drop()
        (found,) = self._parts
        return found[np.lexsort((found.right, found.left))]

    def _drop(self) -> None:
        found = Found.joined([Found(), *self._parts])
        if self._cap is not None:
            found = found[within(found, self._cap, self._apart)]
        self._parts, self._waiting = [found], len(found)


def within(found: Found, cap: int, apart: int) -> NDArray[np.bool_]:
    """Mark the pairs among the `cap` of lowest reference cosine of either image; ties go to the first pair."""
    pairs = np.arange(len(found))
    ends = np.concatenate([found.left, found.right + apart])
    order = np.lexsort((np.tile(found.right, 2), np.tile(found.left, 2), np.tile(found.reference, 2), ends))
    ends, pair = ends[order], np.tile(pairs, 2)[order]
    starts = np.flatnonzero(np.concatenate([[True], ends[1:] != ends[:-1]])) if len(ends) else pairs
    number = np.arange(len(ends)) - np.repeat(starts, np.diff(np.append(starts, len(ends))))
    kept = np.zeros(len(found), bool)
    kept[pair[number < cap]] = True
    return kept
