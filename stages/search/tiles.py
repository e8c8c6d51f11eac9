"""Tiles: two blocks of the embeddings against each other. Tiles (i, j), i <= j, cover every pair once.

A block is a stretch of rows in the manifest's order, whatever shards they lie in: a task stays two
pairs of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.errors import Unbalanced
from manifests.manifest import Manifest
from manifests.shard import Receipt
from manifests.tables import OK
from stages.base import Task

BLOCKS, LEAST_ROWS = 8, 256  # 8 blocks make 36 tiles; below 256 rows a tile costs more to plan than to make

Rows = tuple[int, int]  # first row of the manifest, row after the last


@dataclass(frozen=True)
class Block:
    """The images of some rows that have vectors: n ids, and (n, dim) float32 vectors as they are stored."""

    ids: pa.ChunkedArray
    vectors: NDArray[np.float32]


def tiles(shards: Sequence[Receipt], block_rows: int) -> list[Task]:
    """One task a tile; each block as [its first row in the manifest, the row after its last].

    A small manifest is cut into BLOCKS blocks of fewer than `block_rows`, so that there are tiles for
    several workers.
    """
    rows = sum(shard.rows for shard in shards)
    step = min(block_rows, max(LEAST_ROWS, -(-rows // BLOCKS)))
    blocks = [[start, min(start + step, rows)] for start in range(0, rows, step)]
    return [
        Task(f"{left:05d}-{right:05d}", {"left": blocks[left], "right": blocks[right]})
        for left in range(len(blocks))
        for right in range(left, len(blocks))
    ]


def stretches(shards: Sequence[Receipt], rows: Rows) -> Iterator[Rows]:
    """`rows` cut where a shard ends, so that each piece is read from one file."""
    first = 0
    for shard in shards:
        start, stop = max(rows[0], first), min(rows[1], first + shard.rows)
        if start < stop:
            yield start, stop
        first += shard.rows


def read_block(manifest: Manifest, rows: Rows, encoder: str) -> Block:
    """One encoder's vectors of these rows; images that were rejected have none and are passed over.

    Raises Unbalanced where an image that is ok has no vector.
    """
    parts, first = [], 0
    for shard in manifest.shards:
        start, stop = max(rows[0] - first, 0), min(rows[1] - first, shard.rows)
        if start < stop:
            parts.append(manifest.read(shard.name, ["image_id", "status", encoder]).slice(start, stop - start))
        first += shard.rows
    table = pa.concat_tables(parts)
    table = table.filter(pc.equal(table.column("status"), OK))
    lists = table.column(encoder).combine_chunks()
    if lists.null_count:  # flatten() would leave them out and shift all that follow
        raise Unbalanced(f"{manifest.folder.url}: {lists.null_count} images are ok but have no vector of {encoder}")
    return Block(table.column("image_id"), _rows(lists))


def _rows(lists: pa.FixedSizeListArray) -> NDArray[np.float32]:
    values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return values.reshape(-1, lists.type.list_size)
