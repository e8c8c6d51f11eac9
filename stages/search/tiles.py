"""Tiles: two blocks of the embeddings against each other. Tiles (i, j), i <= j, cover every pair once.

A block is a stretch of rows in the manifest's order, named by the shards it takes them from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.manifest import Manifest
from manifests.shard import Receipt
from manifests.tables import OK
from stages.base import Task

Stretch = tuple[str, int, int]  # shard, first row, row after the last


@dataclass(frozen=True)
class Block:
    """The images of a block that have vectors: n ids, and (n, dim) float32 unit vectors."""

    ids: NDArray[np.str_]
    vectors: NDArray[np.float32]


def tiles(shards: Sequence[Receipt], block_rows: int) -> list[Task]:
    """One task a tile, its two blocks written out."""
    blocks = list(_blocks(shards, block_rows))
    return [
        Task(f"{left:05d}-{right:05d}", {"left": blocks[left], "right": blocks[right]})
        for left in range(len(blocks))
        for right in range(left, len(blocks))
    ]


def read_block(manifest: Manifest, stretches: Sequence[Stretch], encoder: str) -> Block:
    """One encoder's vectors of a block; rows that were rejected have none and are passed over."""
    parts = [manifest.read(name, ["image_id", "status", encoder]).slice(a, b - a) for name, a, b in stretches]
    table = pa.concat_tables(parts)
    table = table.filter(pc.equal(table.column("status"), OK))
    lists = table.column(encoder).combine_chunks()
    dim = table.schema.field(encoder).type.list_size
    values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return Block(np.array(table.column("image_id").to_pylist(), dtype="U32"), values.reshape(-1, dim))


def _blocks(shards: Sequence[Receipt], block_rows: int) -> list[list[Stretch]]:
    blocks: list[list[Stretch]] = []
    room = 0
    for shard in shards:
        start = 0
        while start < shard.rows:
            if room == 0:
                blocks.append([])
                room = block_rows
            stop = min(shard.rows, start + room)
            blocks[-1].append((shard.name, start, stop))
            room, start = room - (stop - start), stop
    return blocks
