"""Tiles: two blocks of the images against each other. Tiles (i, j), i <= j, cover every pair once.

A block is a stretch of rows in the manifest's order, whatever shards they lie in: a task stays two
pairs of numbers. When the manifest grew, old blocks and tiles stay; the new rows make blocks of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifests.shard import Receipt
from stages.base import Task

BLOCKS, TILES = 4, 10  # so many blocks make so many tiles; more would read each vector more often
LEAST_ROWS = 256  # a block is a multiple of this: with fewer rows a tile costs more to plan than to make

Block = list[int]  # its first row in the manifest, the row after its last


def tiles(shards: Sequence[Receipt], most: int) -> list[Task]:
    """One task a tile: which two blocks. No block has more than `most` rows."""
    return more_tiles((), shards, most)


def more_tiles(begun: Sequence[Task], shards: Sequence[Receipt], most: int) -> list[Task]:
    """The tiles there were, then new ones: each new block with every old one, with those before it, with itself."""
    old = blocks_of(begun)
    first, rows = (old[-1][1] if old else 0), sum(shard.rows for shard in shards)
    step = block_rows(rows - first, most, len(old))
    blocks = old + [[start, min(start + step, rows)] for start in range(first, rows, step)]
    return [
        *begun,
        *(
            Task(f"{left:05d}-{right:05d}", {"left": blocks[left], "right": blocks[right]})
            for left in range(len(blocks))
            for right in range(max(left, len(old)), len(blocks))
        ),
    ]


def blocks_of(tasks: Sequence[Task]) -> list[Block]:
    """The blocks of these tiles, in the manifest's order; by number, for two that became empty lie at one place."""
    numbered = {int(task.name.rpartition("-")[2]): list(task.facts["right"]) for task in tasks}
    return [numbered[number] for number in sorted(numbered)]


def block_rows(rows: int, most: int, others: int = 0) -> int:
    """Rows of one block; so few that even a small manifest has tiles for several workers.

    `others`: how many older blocks each will meet, so that few or no more blocks are needed for that.
    """
    blocks = next(count for count in range(1, BLOCKS + 1) if count * others + count * (count + 1) // 2 >= TILES)
    return min(most, -(-max(rows, 1) // (blocks * LEAST_ROWS)) * LEAST_ROWS)
