"""K-nearest neighbours grown into a range search, for indexes that have none: FAISS's on a GPU.

k grows until the k-th neighbour lies below the radius. Rows that would need more than such an index
gives (2,048) are compared with all others instead (products.py), so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.search.methods.base import Places
from stages.search.methods.products import reaching

FIRST, GROWTH, MOST = 32, 8, 2048
QUERIES = 4096  # rows asked at a time
REDUCED = 2.0**-9  # what a product errs more where the GPU rounds its factors to 11 bits (TF32)


def ranged_by_knn(
    index: Any, asked: NDArray[np.float32], there: NDArray[np.float32], radius: float, most: int = MOST
) -> Iterator[Places]:
    """(i, j) with asked[i] . there[j] >= radius; `index` holds `there` and answers search(rows, k) by inner product."""
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
    """The neighbours that reach the radius; -1 is FAISS's word for none."""
    which, place = np.nonzero((scores >= radius) & (found >= 0))
    yield rows[which], found[which, place].astype(np.int64)
