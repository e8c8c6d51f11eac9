"""Search: every two images whose blind vectors are near, with both cosines. No verdict yet.

A task is a tile (tiles.py). A method (methods.py) names the pairs of a tile that may be near; both
cosines are then scored in float64 from the stored vectors (cosine.py), and blind >= floor decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.counts import Counts
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import CANDIDATES
from stages.base import Reads, Stage, Task
from stages.search.cosine import cosines, of_unit_length
from stages.search.methods import METHODS, Places
from stages.search.settings import SearchSettings
from stages.search.tiles import Block, read_block, tiles

BELOW_FLOOR = "blind_cosine_below_floor"
ROWS = 65536  # candidates gathered before they are written: bounds memory


class Search(Stage):
    """The embeddings table in, the candidates table out."""

    name = "search"
    unit = "comparisons"

    def __init__(self, settings: SearchSettings) -> None:
        self.search = settings

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"search": self.search.model_dump(mode="json")}

    def schema(self) -> Schema:
        return CANDIDATES

    def table(self) -> tuple[str, int]:
        return CANDIDATES.name, CANDIDATES.version

    def plan(self, reads: Reads) -> list[Task]:
        return tiles(reads["embeddings"].shards, self.search.block_rows)

    def expected(self, reads: Reads) -> int:
        """Every unordered pair of images that have vectors, once: the search is complete or it is not committed."""
        vectors = reads["embeddings"].counts.ok
        return vectors * (vectors - 1) // 2

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        tile = _Tile(reads["embeddings"], task, self.search)
        waiting, rows = [], 0
        for i, j in tile.near():
            waiting.append(tile.scored(i, j))
            rows += waiting[-1].num_rows
            if rows >= ROWS:
                yield Part(pa.concat_tables(waiting), Counts(rows, rows))
                waiting, rows = [], 0
        found = pa.concat_tables([*waiting, _table([], [], np.zeros(0), np.zeros(0))])
        yield Part(found, Counts(rows, rows))
        yield Part(found.slice(0, 0), tile.left_over())


class _Tile:
    """One tile: its blocks, what was compared in it, and what was near."""

    def __init__(self, embeddings: Manifest, task: Task, settings: SearchSettings) -> None:
        self._manifest, self._task, self._settings = embeddings, task, settings
        self._diagonal = task.facts["left"] == task.facts["right"]
        self._left, self._right = self._blocks(settings.blind)
        self._found = 0
        self._reference: tuple[Block, Block] | None = None

    def near(self) -> Iterator[Places]:
        """Places that may be near, each unordered pair once, a slice of the left block at a time."""
        method = METHODS[self._settings.method]
        left, right = of_unit_length(self._left.vectors), of_unit_length(self._right.vectors)
        for i, j in method(left, right, self._settings.min_cosine) if len(left) and len(right) else ():
            once = i < j if self._diagonal else np.full(len(i), True)
            yield i[once], j[once]

    def scored(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> pa.Table:
        """The candidates among these places: both cosines in float64, blind >= floor."""
        blind = cosines(self._left.vectors, self._right.vectors, i, j)
        near = blind >= self._settings.min_cosine
        i, j, blind = i[near], j[near], blind[near]
        self._found += len(i)
        if not len(i):
            return _table([], [], blind, blind)
        if self._reference is None:  # read only where there is a candidate, which is rare
            self._reference = self._blocks(self._settings.reference)
        left, right = self._reference
        a, b = self._left.ids[i], self._right.ids[j]
        return _table(np.where(a < b, a, b), np.where(a < b, b, a), blind, cosines(left.vectors, right.vectors, i, j))

    def left_over(self) -> Counts:
        """The comparisons of this tile that were no candidates."""
        n, m = len(self._left.ids), len(self._right.ids)
        below = (n * (n - 1) // 2 if self._diagonal else n * m) - self._found
        return Counts(below, 0, {BELOW_FLOOR: below})

    def _blocks(self, encoder: str) -> tuple[Block, Block]:
        left = read_block(self._manifest, self._task.facts["left"], encoder)
        right = left if self._diagonal else read_block(self._manifest, self._task.facts["right"], encoder)
        return left, right


def _table(left: Any, right: Any, blind: NDArray[np.float64], reference: NDArray[np.float64]) -> pa.Table:
    ids = [pa.array(side, pa.string()) for side in (left, right)]
    return pa.table([*ids, pa.array(blind), pa.array(reference)], names=CANDIDATES.columns.names)
