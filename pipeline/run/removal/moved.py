"""Moved: candidates of a removed image that represented copies move to its successor, in the successor's tile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.removal import Held, batches
from manifests.storage import Folder
from manifests.tables import CANDIDATES
from pipeline.run.removal.blocks import numbers, tile_of
from pipeline.run.removal.representatives import replaced
from pipeline.run.removal.rows import texts
from pipeline.run.removal.settled import MOVED

SIDES = ("left_id", "right_id")
TILE = "tile"
TABLE = pa.schema([*CANDIDATES.columns, pa.field(TILE, pa.string())])


@dataclass
class Promoted:
    """Which image replaces which, and the block that each image is in."""

    stands: Mapping[str, str]
    blocks: Mapping[str, int]
    rows: dict[str, int] = field(default_factory=dict)  # tile -> its rows that are removed or move

    def tile(self, tile: str, sides: tuple[str, str]) -> str:
        """Return the tile of the images that replace `sides`, a pair that was in `tile`."""
        left, right = numbers(tile)
        known = [self.blocks.get(side) for side in sides]
        other = left + right - next((block for block in known if block is not None), left)
        ends = [self.blocks[self.stands[side]] if side in self.stands else other for side in sides]
        return tile_of(*ends)


def gather(candidates: Held, gone: pa.StringArray, promoted: Promoted) -> pa.Table:
    """Return the moved rows, each with its tile; fill `promoted.rows` with how many are removed or move per tile."""
    found = [TABLE.empty_table()]
    lost = gone.filter(pc.invert(pc.is_in(gone, texts(promoted.stands.keys()))))
    for tile in candidates.shards():
        for batch in batches(candidates.folder, tile):
            touched = batch.filter(pc.invert(untouched(batch, gone)))
            if touched.num_rows:
                promoted.rows[tile] = promoted.rows.get(tile, 0) + touched.num_rows
                found.append(_become(touched.filter(untouched(touched, lost)), tile, promoted))
    return pa.concat_tables(found)


def untouched(batch: pa.RecordBatch | pa.Table, ids: pa.StringArray) -> pa.BooleanArray:
    """Return which rows name none of `ids`."""
    return pc.invert(pc.or_(*(pc.is_in(batch.column(side), ids) for side in SIDES)))


def _become(batch: pa.RecordBatch, tile: str, promoted: Promoted) -> pa.Table:
    left, right = (batch.column(side) for side in SIDES)
    tiles = [promoted.tile(tile, sides) for sides in zip(left.to_pylist(), right.to_pylist(), strict=True)]
    a, b = replaced(left, promoted.stands), replaced(right, promoted.stands)
    ordered = pc.less(a, b)
    ids = [pc.if_else(ordered, a, b), pc.if_else(ordered, b, a)]
    cosines = [batch.column(name) for name in CANDIDATES.columns.names if name not in SIDES]
    return pa.table([*ids, *cosines, texts(tiles)], schema=TABLE)


def write_moved(run: Folder, rows: pa.Table) -> None:
    """Store the rows until they are in their tiles."""
    with run.aside(MOVED) as path:
        pq.write_table(rows, path)


def moved_to(run: Folder, tile: str, there: set[tuple[str, str]]) -> Iterator[pa.Table]:
    """Yield the rows that move to a tile, except pairs already there because the tile was written before a kill."""
    if not run.has(MOVED):
        return
    with run.open(MOVED) as file:
        rows = pq.read_table(file, filters=[(TILE, "=", tile)]).drop_columns([TILE])
    new = [pair not in there for pair in zip(*(rows.column(side).to_pylist() for side in SIDES), strict=True)]
    yield rows.filter(pa.array(new, pa.bool_()))
