"""Products: every pair of rows whose inner product, in float32, reaches a radius; on a CPU.

A product is written into a buffer that stays in the cache, and only its rows whose largest number
reaches the radius are looked at again: where few pairs survive, that is one pass over it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stages.search.methods.base import Places

ROWS, COLUMNS = 256, 1024  # of one product: 1 MB
REGION = 8192  # rows and columns gone through together, so that what is found lies in few shards


def reaching(
    left: NDArray[np.float32], right: NDArray[np.float32], radius: float, diagonal: bool = False
) -> Iterator[Places]:
    """(i, j) with left[i] . right[j] >= radius, of (n, k) and (m, k) float32 rows.

    `diagonal`: both are the same rows, and products that hold no i < j are left out.
    """
    least = np.float32(radius)
    product = np.empty((ROWS, COLUMNS), np.float32)
    for rows, columns in _products(len(left), len(right)):
        if diagonal and columns.stop <= rows.start:
            continue
        x, y = left[rows], right[columns]
        out = product[: len(x), : len(y)] if len(y) == COLUMNS else np.empty((len(x), len(y)), np.float32)
        np.matmul(x, y.T, out=out)
        some = np.flatnonzero(out.max(axis=1) >= least)
        if len(some):
            i, j = np.nonzero(out[some] >= least)
            yield some[i] + rows.start, j + columns.start


def _products(rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Every product, region by region."""
    for top in range(0, rows, REGION):
        for edge in range(0, columns, REGION):
            for start in range(top, min(top + REGION, rows), ROWS):
                for first in range(edge, min(edge + REGION, columns), COLUMNS):
                    stop, last = min(start + ROWS, top + REGION, rows), min(first + COLUMNS, edge + REGION, columns)
                    yield slice(start, stop), slice(first, last)
