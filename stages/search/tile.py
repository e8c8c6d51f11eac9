"""Tile: find the near pairs of two blocks of images. A method proposes pairs; float64 decides.

Full vectors are read only for the images of proposed pairs, a limited number of pairs at a time. Reference
vectors are read only if the blind cosine reaches the floor.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.tables import CANDIDATES
from stages.base import Reads, Task
from stages.search.kept import Found, Kept
from stages.search.methods.base import Method, Places
from stages.search.methods.products import lots
from stages.search.settings import SearchSettings
from stages.search.side import Side
from stages.vectors.cosine import cosines

PLACES = 32768  # proposed pairs scored together: at most 2 x 32768 vectors in memory


class Tile:
    """One tile: the pairs that are compared in it, and which of them are near."""

    def __init__(self, reads: Reads, task: Task, settings: SearchSettings, copies: pa.StringArray, hold: int) -> None:
        """Open both sides of the tile. `hold`: bytes of full vectors that may stay in memory."""
        left, right = ((int(rows[0]), int(rows[1])) for rows in (task.facts["left"], task.facts["right"]))
        self._settings, self._diagonal = settings, left == right
        roles = (settings.blind, settings.reference)
        self._left = Side(reads, left, copies, hold // 2, roles)
        self._right = self._left if self._diagonal else Side(reads, right, copies, hold // 2, roles)

    @property
    def seen(self) -> int:
        """The number of pairs of images, copies included."""
        return self._pairs(self._left.seen, self._right.seen)

    @property
    def compared(self) -> int:
        """The number of pairs of images, copies excluded."""
        return self._pairs(len(self._left), len(self._right))

    def near(self, method: Method) -> Kept:
        """Find the pairs whose blind cosine reaches the floor in float64, with both cosines."""
        kept = Kept(self._settings.max_per_image, 0 if self._diagonal else len(self._left))
        if len(self._left) and len(self._right):
            for left, right in lots(self._named(method), PLACES):
                blind = self._cosines(self._settings.blind, left, right)
                which = blind >= self._settings.min_cosine
                left, right = left[which], right[which]
                kept.add(Found(left, right, blind[which], self._cosines(self._settings.reference, left, right)))
        return kept

    def table(self, found: Found) -> pa.Table:
        """Return the pairs as rows of the candidates table."""
        a, b = self._left.ids.take(pa.array(found.left)), self._right.ids.take(pa.array(found.right))
        ordered = pc.less(a, b)
        values = [pc.if_else(ordered, a, b), pc.if_else(ordered, b, a), found.blind, found.reference]
        return pa.table(values, schema=CANDIDATES.columns)

    def _pairs(self, left: int, right: int) -> int:
        return left * (left - 1) // 2 if self._diagonal else left * right

    def _named(self, method: Method) -> Iterator[Places]:
        """Yield the pairs that the method proposes, each unordered pair once."""
        for left, right in method.near(self._left, self._right, self._settings):
            once = left < right if self._diagonal else slice(None)
            yield left[once], right[once]

    def _cosines(self, encoder: str, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        (x, i), (y, j) = _vectors(self._left, encoder, left), _vectors(self._right, encoder, right)
        return cosines(x, y, i, j)


def _vectors(side: Side, encoder: str, places: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read the vectors of these places, each once, and return them with the index of each place's vector."""
    once, which = np.unique(places, return_inverse=True)
    return side.vectors(encoder, once), which
