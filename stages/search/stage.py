"""Search: every two images whose blind vectors are near, with both cosines. No verdict yet.

A task is a tile (tiles.py). A method (methods.py) names the pairs of a tile that may be near; both
cosines are then scored in float64 from the stored vectors (join.py, cosine.py): blind >= floor decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from manifests.counts import Counts
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import CANDIDATES
from stages.base import Reads, Stage, Task
from stages.search.join import Tile
from stages.search.settings import SearchSettings
from stages.search.tiles import tiles

BELOW_FLOOR = "blind_cosine_below_floor"


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
        """The tile's candidates in parts; the last, empty part counts the comparisons that were none."""
        tile = Tile(reads["embeddings"], task, self.search)
        found = 0
        for table in tile.candidates():
            found += table.num_rows
            yield Part(table, Counts(table.num_rows, table.num_rows))
        below = tile.comparisons - found
        yield Part(CANDIDATES.columns.empty_table(), Counts(below, 0, {BELOW_FLOOR: below} if below else {}))
