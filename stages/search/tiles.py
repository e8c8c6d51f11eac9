"""Tiles: two blocks of images compared with each other. Tiles (i, j), i <= j, cover every pair once.

A block is a range of consecutive rows in the manifest's order, regardless of shards: so a task is just two pairs
of numbers. When the manifest has grown, old blocks and tiles are kept; the new rows make blocks of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifests.shard import Receipt
from stages.base import Task

BLOCKS, TILES = 4, 10  # 4 blocks make 10 tiles; more would read each vector more often
LEAST_ROWS = 256  # a block is a multiple of this: with fewer rows a tile costs more to plan than to make

Block = list[int]  # its first row in the manifest, and the row after its last


def tiles(shards: Sequence[Receipt], most: int) -> list[Task]:
    """Return one task per tile, which names its two blocks. No block has more than `most` rows."""
    return more_tiles((), shards, most)


def more_tiles(begun: Sequence[Task], shards: Sequence[Receipt], most: int) -> list[Task]:
    """Return the existing tiles, then new ones: each new block with all old blocks, new ones before it, and itself."""
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
    """Return the blocks of these tiles in the manifest's order; by number, because empty blocks share a position."""
    numbered = {int(task.name.rpartition("-")[2]): list(task.facts["right"]) for task in tasks}
    return [numbered[number] for number in sorted(numbered)]


def block_rows(rows: int, most: int, others: int = 0) -> int:
    """Return the rows of one block: few enough that even a small manifest has tiles for several workers.

    `others`: the number of older blocks that each block is compared with; the more there are, the fewer new blocks are
    needed for that.
    """
    blocks = next(count for count in range(1, BLOCKS + 1) if count * others + count * (count + 1) // 2 >= TILES)
    return min(most, -(-max(rows, 1) // (blocks * LEAST_ROWS)) * LEAST_ROWS)
