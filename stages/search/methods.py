"""Methods: ways to find, in one tile, every pair that may reach the floor.

A method may name too many pairs, never too few: float64 judges each one afterwards (cosine.py). To
add one: a function like `flat`, a line in METHODS, its name in SearchSettings.method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from stages.search.cosine import slack

Places = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows of the left block, rows of the right block
Method = Callable[[NDArray[np.float32], NDArray[np.float32], float], Iterator[Places]]

QUERIES = 256  # left rows asked at a time: bounds one answer at QUERIES x block_rows pairs


def flat(left: NDArray[np.float32], right: NDArray[np.float32], floor: float) -> Iterator[Places]:
    """FAISS IndexFlatIP range search: every inner product, in float32, against the floor less its slack.

    `left` (n, dim) and `right` (m, dim) are of unit length. Yields (i, j) sorted, a slice of the left
    block at a time. FAISS's range is strictly above the radius, hence the slack also for equality.
    """
    import faiss

    faiss.omp_set_num_threads(1)  # tiles are the parallel work: one a worker
    index = faiss.IndexFlatIP(right.shape[1])
    index.add(right)
    radius = floor - slack(right.shape[1])
    for start in range(0, len(left), QUERIES):
        queries = np.ascontiguousarray(left[start : start + QUERIES])
        limits, _, found = index.range_search(queries, radius)
        i = np.repeat(np.arange(len(queries), dtype=np.int64), np.diff(limits.astype(np.int64))) + start
        order = np.lexsort((found, i))
        yield i[order], found[order]


METHODS: dict[str, Method] = {"flat": flat}
