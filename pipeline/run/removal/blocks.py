"""Blocks: the search's tiles after rows of the sketches are removed: where their blocks are, and what they count.

A block is a range of row numbers (stages/search/tiles.py). All blocks are kept, in their order, with their
numbers; a block whose last row was removed is empty and remains between its neighbors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Json = Mapping[str, Any]
Rows = NDArray[np.bool_]  # (n,) one entry for each row of the sketches
Span = tuple[int, int]  # first row, row after the last


def shifted(tasks: Sequence[Json], gone: Rows) -> list[dict[str, Any]]:
    """Return the same tiles, with blocks without the rows that are `gone`."""
    before = np.concatenate([[0], np.cumsum(gone)])

    def moved(bounds: Sequence[int]) -> list[int]:
        return [int(bound - before[min(bound, len(gone))]) for bound in bounds]

    return [{**task, "left": moved(task["left"]), "right": moved(task["right"])} for task in tasks]


def blocks_of(tasks: Sequence[Json]) -> dict[int, Span]:
    """Return each block by its number."""
    found: dict[int, Span] = {}
    for task in tasks:
        left, right = numbers(task["name"])
        found[left], found[right] = _span(task["left"]), _span(task["right"])
    return dict(sorted(found.items()))


def block_at(blocks: Mapping[int, Span], row: int) -> int | None:
    """Return the number of the block that holds a row; None where none does."""
    return next((number for number, (start, stop) in blocks.items() if start <= row < stop), None)


def counted(tasks: Sequence[Json], ok: Rows, stands: Rows) -> dict[str, tuple[int, int]]:
    """Return how many pairs of images each tile has, and how many pairs of images that represent themselves."""
    totals = [np.concatenate([[0], np.cumsum(rows)]) for rows in (ok, stands)]
    found: dict[str, tuple[int, int]] = {}
    for task in tasks:
        left, right = numbers(task["name"])
        both = [[int(total[stop] - total[start]) for start, stop in (task["left"], task["right"])] for total in totals]
        seen, compared = (a * (a - 1) // 2 if left == right else a * b for a, b in both)
        found[task["name"]] = seen, compared
    return found


def numbers(tile: str) -> tuple[int, int]:
    """Return the numbers of a tile's two blocks, from its name."""
    left, right = tile.split("-")
    return int(left), int(right)


def tile_of(one: int, other: int) -> str:
    """Return the name of the tile of two blocks."""
    return f"{min(one, other):05d}-{max(one, other):05d}"


def _span(bounds: Sequence[int]) -> Span:
    return bounds[0], bounds[1]
