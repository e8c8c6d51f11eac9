"""Products: every pair of rows whose inner product, in float32, reaches a radius; on a CPU.

A product is written into a buffer that stays in the cache and is compared there: of the time, the
product takes nine tenths.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stages.search.methods.base import Places

ROWS, COLUMNS = 512, 1024  # of one product: 2 MB
REGION = 8192  # rows and columns gone through together, so that what is found lies in few shards


def reaching(
    left: NDArray[np.float32], right: NDArray[np.float32], radius: float, diagonal: bool = False
) -> Iterator[Places]:
    """(i, j) with left[i] . right[j] >= radius, of (n, k) and (m, k) float32 rows.

    `diagonal`: both are the same rows, and products that hold no i < j are left out.
    """
    least = np.float32(radius)
    products, reaches = np.empty(ROWS * COLUMNS, np.float32), np.empty(ROWS * COLUMNS, bool)
    for rows, columns in _products(len(left), len(right)):
        if diagonal and columns.stop <= rows.start:
            continue
        x, y = left[rows], right[columns]
        size = len(x) * len(y)
        product = np.matmul(x, y.T, out=products[:size].reshape(len(x), len(y)))
        found = np.flatnonzero(np.greater_equal(product.ravel(), least, out=reaches[:size]))
        if len(found):
            yield found // len(y) + rows.start, found % len(y) + columns.start


def _products(rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Every product, region by region."""
    for top in range(0, rows, REGION):
        for edge in range(0, columns, REGION):
            for start in range(top, min(top + REGION, rows), ROWS):
                for first in range(edge, min(edge + REGION, columns), COLUMNS):
                    stop, last = min(start + ROWS, top + REGION, rows), min(first + COLUMNS, edge + REGION, columns)
                    yield slice(start, stop), slice(first, last)
