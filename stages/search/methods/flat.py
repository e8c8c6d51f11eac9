"""Flat: FAISS IndexFlatIP range search over the full vectors. The baseline: slow, and not our code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.base import Machine
from stages.search.methods.base import Places
from stages.search.methods.knn import REDUCED, ranged_by_knn
from stages.search.settings import SearchSettings
from stages.search.side import Side
from stages.vectors.cosine import of_unit_length, slack

QUERIES = 256  # left images per query: limits one result to QUERIES x block_rows pairs


class Flat:
    """Compares every float32 inner product with the floor minus its slack; on a GPU if the worker has one."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def near(self, left: Side, right: Side, settings: SearchSettings) -> Iterator[Places]:
        """See Method.near."""
        import faiss

        there = of_unit_length(right.vectors(settings.blind))
        index = faiss.IndexFlatIP(there.shape[1])
        index.add(there)
        asked = there if left is right else of_unit_length(left.vectors(settings.blind))
        return searched(index, asked, there, settings.min_cosine, self._machine)


def searched(
    index: Any, asked: NDArray[np.float32], there: NDArray[np.float32], floor: float, machine: Machine
) -> Iterator[Places]:
    """Run a range search on a FAISS index that contains `there`, on the machine's device.

    FAISS's range is strictly above the radius, so the slack also covers equality.
    """
    import faiss

    radius = floor - slack(there.shape[1])
    if machine.device == "cpu":
        faiss.omp_set_num_threads(machine.threads)
        return ranged(index, asked, radius)
    moved = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)
    return ranged_by_knn(moved, asked, there, radius - REDUCED)


def ranged(index: Any, asked: NDArray[np.float32], radius: float) -> Iterator[Places]:
    """Run a range search on a FAISS inner-product index, QUERIES rows at a time."""
    for start in range(0, len(asked), QUERIES):
        limits, _, found = index.range_search(np.ascontiguousarray(asked[start : start + QUERIES]), radius)
        yield start + np.repeat(np.arange(len(limits) - 1), np.diff(limits.astype(np.int64))), found
