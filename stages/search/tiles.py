"""Tiles: two blocks of the images against each other. Tiles (i, j), i <= j, cover every pair once.

A block is a stretch of rows in the manifest's order, whatever shards they lie in: a task stays two
pairs of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifests.shard import Receipt
from stages.base import Task

BLOCKS = 4  # make 10 tiles; more would read each vector more often
LEAST_ROWS = 256  # a block is a multiple of this: with fewer rows a tile costs more to plan than to make


def tiles(shards: Sequence[Receipt], most: int) -> list[Task]:
    """One task a tile; each block as [its first row in the manifest, the row after its last].

    No block has more than `most` rows.
    """
    rows = sum(shard.rows for shard in shards)
    step = block_rows(rows, most)
    blocks = [[start, min(start + step, rows)] for start in range(0, rows, step)]
    return [
        Task(f"{left:05d}-{right:05d}", {"left": blocks[left], "right": blocks[right]})
        for left in range(len(blocks))
        for right in range(left, len(blocks))
    ]


def block_rows(rows: int, most: int) -> int:
    """Rows of one block; so few that even a small manifest has tiles for several workers."""
    return min(most, -(-max(rows, 1) // (BLOCKS * LEAST_ROWS)) * LEAST_ROWS)
