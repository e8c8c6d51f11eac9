"""Products: find every pair of rows whose inner product, in float32, reaches a radius; on a CPU.

Each matrix product is written into a buffer small enough to stay in a core's own cache, and is compared there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from stages.search.methods.base import Places

ROWS, COLUMNS = 256, 512  # size of one product: 512 KB
REGION = 8192  # rows and columns processed together, so that the pairs found are in few shards


def reaching(
    left: NDArray[np.float32], right: NDArray[np.float32], radius: float, diagonal: bool = False
) -> Iterator[Places]:
    """Yield (i, j) with left[i] . right[j] >= radius, for (n, k) and (m, k) float32 rows.

    `diagonal`: both are the same rows, and products without any i < j are skipped.
    """
    least = np.float32(radius)
    products, reaches = np.empty(ROWS * COLUMNS, np.float32), np.empty(ROWS * COLUMNS, bool)
    for rows, columns in cut(len(left), len(right), (ROWS, COLUMNS), diagonal):
        x, y = left[rows], right[columns]
        size = len(x) * len(y)
        product = np.matmul(x, y.T, out=products[:size].reshape(len(x), len(y)))
        found = np.flatnonzero(np.greater_equal(product.ravel(), least, out=reaches[:size]))
        if len(found):
            yield found // len(y) + rows.start, found % len(y) + columns.start


def cut(rows: int, columns: int, most: tuple[int, int], diagonal: bool) -> Iterator[tuple[slice, slice]]:
    """Yield products of at most `most` rows and columns, by region; on the diagonal only those with some i < j."""
    for top in range(0, rows, REGION):
        for edge in range(0, columns, REGION):
            for start in range(top, min(top + REGION, rows), most[0]):
                for first in range(edge, min(edge + REGION, columns), most[1]):
                    last = min(first + most[1], edge + REGION, columns)
                    if not diagonal or last > start + 1:
                        yield slice(start, min(start + most[0], top + REGION, rows)), slice(first, last)


def lots(found: Iterable[Places], most: int) -> Iterator[Places]:
    """Yield the same places in the same order, `most` at a time, so that one read of a shard serves many of them."""
    waiting: list[Places] = []
    count = 0
    for more in found:
        waiting.append(more)
        count += len(more[0])
        if count >= most:
            left, right = (np.concatenate(side) for side in zip(*waiting, strict=True))
            whole = count - count % most
            for start in range(0, whole, most):
                yield left[start : start + most], right[start : start + most]
            waiting, count = [(left[whole:], right[whole:])], count - whole
    if count:
        left, right = (np.concatenate(side) for side in zip(*waiting, strict=True))
        yield left, right
