"""Tiles: two blocks of the images against each other. Tiles (i, j), i <= j, cover every pair once.

A block is a stretch of rows in the manifest's order, whatever shards they lie in: a task stays two
pairs of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifests.shard import Receipt
from stages.base import Task

BLOCKS, LEAST_ROWS = 8, 256  # 8 blocks make 36 tiles; below 256 rows a tile costs more to plan than to make


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
