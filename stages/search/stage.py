"""Search: find every two images whose blind vectors are near, with both cosines. No verdict yet.

A task is a tile (tiles.py): two blocks of images (side.py). A method (methods/) proposes the pairs that may be
near; both cosines are then computed in float64 from the stored vectors (tile.py): blind >= floor decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from manifests.counts import Counts
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import CANDIDATES, OVER_CAP
from stages.base import Machine, OnGrowth, PriorState, Reads, Stage, Task
from stages.search.methods.base import Method
from stages.search.methods.choice import method_of
from stages.search.removal import TilesChange
from stages.search.settings import SearchSettings
from stages.search.side import copies_of
from stages.search.tile import Tile
from stages.search.tiles import BELOW_FLOOR, COPY, more_tiles, tiles
from stages.vectors.threads import limit_products

PART_ROWS = 65536  # rows of one part


class Search(Stage):
    """Sketches, copies and embeddings in, the candidates table out."""

    name = "search"
    version = 2
    unit = "comparisons"
    gpus = 1.0
    on_growth = OnGrowth.EXTENDED
    change = TilesChange

    def __init__(self, settings: SearchSettings) -> None:
        self.search = settings
        self._method: Method | None = None
        self._machine = Machine()
        self._copies: pa.StringArray | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"search": self.search.model_dump(mode="json")}

    def schema(self) -> Schema:
        return CANDIDATES

    def table(self) -> tuple[str, int]:
        return CANDIDATES.name, CANDIDATES.version

    def worker_bytes(self) -> int:
        return 3 << 29

    def setup(self, machine: Machine) -> None:
        limit_products(machine.threads)
        self._machine = machine
        self._method = method_of(self.search.method, machine)

    def plan(self, reads: Reads) -> list[Task]:
        return tiles(reads["sketches"].shards, self.search.block_rows)

    def extended(self, begun: PriorState, reads: Reads) -> list[Task]:
        """Return the existing tiles, then those of the new rows with the old rows and with each other."""
        return more_tiles(begun.tasks, reads["sketches"].shards, self.search.block_rows)

    def expected(self, reads: Reads) -> int:
        """Count every unordered pair of images with vectors once: the search is committed only if it is complete."""
        vectors = reads["sketches"].counts.ok
        return vectors * (vectors - 1) // 2

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        """Yield the tile's candidates in parts; the last, empty part counts the comparisons that gave no candidate."""
        assert self._method is not None, "setup comes first"
        if self._copies is None:
            self._copies = copies_of(reads["copies"])
        tile = Tile(reads, task, self.search, self._copies, self._machine.vectors)
        kept = tile.near(self._method)
        pairs = kept.pairs()
        for start in range(0, len(pairs), PART_ROWS):
            table = tile.table(pairs[start : start + PART_ROWS])
            yield Part(table, Counts(table.num_rows, table.num_rows))
        rejected = {
            BELOW_FLOOR: tile.compared - kept.taken,
            COPY: tile.seen - tile.compared,
            OVER_CAP: kept.taken - len(pairs),
        }
        told = {reason: count for reason, count in rejected.items() if count}
        yield Part(CANDIDATES.columns.empty_table(), Counts(sum(told.values()), 0, told))
