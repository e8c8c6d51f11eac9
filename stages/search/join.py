"""Join: the candidates of one tile, in memory that does not grow with how many there are.

A method is given both blocks at unit length and names places that may be near. The stored vectors
are read again only for the shards in which a named place lies, two at a time, and only there the
reference's are read at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.manifest import Manifest
from manifests.tables import CANDIDATES
from stages.base import Task
from stages.search.cosine import cosines, of_unit_length
from stages.search.methods import METHODS, Places
from stages.search.settings import SearchSettings
from stages.search.tiles import Rows, read_block, stretches

PLACES = 65536  # places scored together, and the most candidates of one part


class Side:
    """One block of a tile: its images' ids and unit vectors, and which of them each shard holds."""

    def __init__(self, manifest: Manifest, rows: Rows, encoder: str) -> None:
        self.stretches = list(stretches(manifest.shards, rows))
        ids: list[pa.Array] = []
        counts, self.unit = [0], np.zeros((0, 0), np.float32)
        for stretch in self.stretches:
            block = read_block(manifest, stretch, encoder)
            if not ids:
                self.unit = np.empty((rows[1] - rows[0], block.vectors.shape[1]), np.float32)
            ids += block.ids.chunks
            counts.append(counts[-1] + len(block.ids))
            self.unit[counts[-2] : counts[-1]] = of_unit_length(block.vectors)
        self.unit = self.unit[: counts[-1]]
        self.ids = pa.chunked_array(ids, pa.string()).combine_chunks()
        self.firsts = np.array(counts[:-1])  # the place of each stretch's first image

    def stretch_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the stretch in which each place lies."""
        # of stretches that begin at one place all but the last hold no image
        return np.searchsorted(self.firsts, places, side="right") - 1


class Tile:
    """One tile: what is compared in it, and what of that is near."""

    def __init__(self, embeddings: Manifest, task: Task, settings: SearchSettings) -> None:
        left, right = ((int(rows[0]), int(rows[1])) for rows in (task.facts["left"], task.facts["right"]))
        self._settings, self._diagonal = settings, left == right
        self._left = Side(embeddings, left, settings.blind)
        self._right = self._left if self._diagonal else Side(embeddings, right, settings.blind)
        # the left shard of a run of groups stays while the right ones pass
        self._block = lru_cache(maxsize=2)(partial(read_block, embeddings))

    @property
    def comparisons(self) -> int:
        """How many pairs of images the tile compares."""
        n, m = len(self._left.ids), len(self._right.ids)
        return n * (n - 1) // 2 if self._diagonal else n * m

    def candidates(self) -> Iterator[pa.Table]:
        """The candidates, at most PLACES a table: blind cosine >= floor in float64, and the reference's."""
        for i, j in lots(self._near()):
            blind = self._cosines(self._settings.blind, i, j)
            near = blind >= self._settings.min_cosine
            if near.any():
                yield self._table(i[near], j[near], blind[near])

    def _near(self) -> Iterator[Places]:
        """Places that may be near, each unordered pair once."""
        left, right = self._left.unit, self._right.unit
        for i, j in METHODS[self._settings.method](left, right, self._settings.min_cosine) if left.size else ():
            once = i < j if self._diagonal else slice(None)
            yield i[once], j[once]

    def _cosines(self, encoder: str, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
        """One encoder's cosine of each pair of places, from the vectors as they are stored."""
        scores = np.empty(len(i))
        a, b = self._left.stretch_of(i), self._right.stretch_of(j)
        for left, right in np.unique(np.stack([a, b], axis=1), axis=0):
            group = np.flatnonzero((a == left) & (b == right))
            x = self._block(self._left.stretches[left], encoder).vectors
            y = self._block(self._right.stretches[right], encoder).vectors
            places = i[group] - self._left.firsts[left], j[group] - self._right.firsts[right]
            scores[group] = cosines(x, y, *places)
        return scores

    def _table(self, i: NDArray[np.int64], j: NDArray[np.int64], blind: NDArray[np.float64]) -> pa.Table:
        a, b = self._left.ids.take(pa.array(i)), self._right.ids.take(pa.array(j))
        ordered, reference = pc.less(a, b), self._cosines(self._settings.reference, i, j)
        values = [pc.if_else(ordered, a, b), pc.if_else(ordered, b, a), pa.array(blind), pa.array(reference)]
        return pa.table(values, schema=CANDIDATES.columns)


def lots(found: Iterable[Places], most: int = PLACES) -> Iterator[Places]:
    """The same places in the same order, `most` at a time, so that each shard is read for many of them."""
    i, j = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for more_i, more_j in found:
        i, j = np.concatenate([i, more_i]), np.concatenate([j, more_j])
        while len(i) >= most:
            yield i[:most], j[:most]
            i, j = i[most:], j[most:]
    if len(i):
        yield i, j
