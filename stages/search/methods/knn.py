"""KNN: range search by growing k-nearest-neighbor queries, for indexes without one, such as FAISS's on a GPU.

k grows until the k-th neighbor is below the radius. Rows that would need more neighbors than such an index
returns (2,048) are compared with all others instead (products.py), so that no pair is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.search.methods.base import Places
from stages.search.methods.products import reaching

FIRST, GROWTH, MOST = 32, 8, 2048
QUERIES = 4096  # rows per query
REDUCED = 2.0**-9  # extra error of a product if the GPU rounds its factors to 11 bits (TF32)


def ranged_by_knn(
    index: Any, asked: NDArray[np.float32], there: NDArray[np.float32], radius: float, most: int = MOST
) -> Iterator[Places]:
    """Yield (i, j) with asked[i] . there[j] >= radius.

    `index` contains `there` and has a method search(rows, k) by inner product.
    """
    for start in range(0, len(asked), QUERIES):
        rows = np.arange(start, min(start + QUERIES, len(asked)))
        k = min(FIRST, len(there), most)
        while len(rows):
            scores, found = index.search(np.ascontiguousarray(asked[rows]), k)
            whole = (scores[:, -1] < radius) | (k == len(there))
            yield from _above(rows[whole], scores[whole], found[whole], radius)
            rows = rows[~whole]
            if k == min(most, len(there)):
                break
            k = min(k * GROWTH, len(there), most)
        for i, j in reaching(asked[rows], there, radius):
            yield rows[i], j


def _above(
    rows: NDArray[np.int64], scores: NDArray[np.float32], found: NDArray[np.int64], radius: float
) -> Iterator[Places]:
    """Yield the neighbors that reach the radius; FAISS returns -1 for no neighbor."""
    which, place = np.nonzero((scores >= radius) & (found >= 0))
    yield rows[which], found[which, place].astype(np.int64)
