"""Tiles: two blocks of images compared with each other. Tiles (i, j), i <= j, cover every pair once.

A block is a range of consecutive rows in the manifest's order, regardless of shards: so a task is just two pairs
of numbers. When the manifest has grown, old blocks and tiles are kept; the new rows make blocks of their own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from manifests.shard import Receipt
from stages.base import Task

BLOCKS, TILES = 4, 10  # 4 blocks make 10 tiles; more would read each vector more often
BELOW_FLOOR, COPY = "blind_cosine_below_floor", "image_is_a_copy"  # why a comparison gave no candidate
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
            Task(tile_of(left, right), {"left": blocks[left], "right": blocks[right]})
            for left in range(len(blocks))
            for right in range(max(left, len(old)), len(blocks))
        ),
    ]


def blocks_of(tasks: Sequence[Task]) -> list[Block]:
    """Return the blocks of these tiles in the manifest's order; by number, because empty blocks share a position."""
    numbered = {numbers(task.name)[1]: list(task.facts["right"]) for task in tasks}
    return [numbered[number] for number in sorted(numbered)]


def block_at(blocks: Sequence[Block], row: int) -> int | None:
    """Return the number of the block that holds a row of the manifest; None if none does."""
    number = bisect_right(blocks, row, key=lambda block: block[1])
    return number if number < len(blocks) else None


def shifted(tasks: Sequence[Task], gone: NDArray[np.bool_]) -> list[Task]:
    """Return the same tiles, with blocks without the rows of the manifest that are `gone`, (n,)."""
    ends = accumulate((stop - start - int(gone[start:stop].sum()) for start, stop in blocks_of(tasks)), initial=0)
    blocks = [list(block) for block in pairwise(ends)]
    sides = [{"left": blocks[left], "right": blocks[right]} for left, right in (numbers(task.name) for task in tasks)]
    return [Task(task.name, {**task.facts, **both}) for task, both in zip(tasks, sides, strict=True)]


def numbers(tile: str) -> tuple[int, int]:
    """Return the numbers of a tile's two blocks."""
    left, right = tile.split("-")
    return int(left), int(right)


def tile_of(one: int, other: int) -> str:
    """Return the name of the tile of two blocks, given by their numbers."""
    return f"{min(one, other):05d}-{max(one, other):05d}"


def pairs_in(tile: str, images: Sequence[int]) -> int:
    """Return the number of pairs compared in a tile; `images`: the number of images in each block."""
    left, right = numbers(tile)
    return images[left] * (images[left] - 1) // 2 if left == right else images[left] * images[right]


def block_rows(rows: int, most: int, others: int = 0) -> int:
    """Return the rows of one block: few enough that even a small manifest has tiles for several workers.

    `others`: the number of older blocks that each block is compared with; the more there are, the fewer new blocks are
    needed for that.
    """
    blocks = next(count for count in range(1, BLOCKS + 1) if count * others + count * (count + 1) // 2 >= TILES)
    return min(most, -(-max(rows, 1) // (blocks * LEAST_ROWS)) * LEAST_ROWS)
