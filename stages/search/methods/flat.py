"""Flat: FAISS IndexFlatIP range search over the full vectors. The reference: slow, and not ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from stages.base import Machine
from stages.search.methods.base import Places
from stages.search.settings import SearchSettings
from stages.search.side import Side
from stages.vectors.cosine import of_unit_length, slack

QUERIES = 256  # left images asked at a time: bounds one answer at QUERIES x block_rows pairs


class Flat:
    """Every inner product, in float32, against the floor less its slack; on a CPU."""

    def __init__(self, machine: Machine) -> None:
        self._threads = machine.threads

    def near(self, left: Side, right: Side, settings: SearchSettings) -> Iterator[Places]:
        """See Method.near. FAISS's range is strictly above the radius, hence the slack also for equality."""
        import faiss

        faiss.omp_set_num_threads(self._threads)
        there = of_unit_length(right.vectors(settings.blind))
        index = faiss.IndexFlatIP(there.shape[1])
        index.add(there)
        asked = there if left is right else of_unit_length(left.vectors(settings.blind))
        return ranged(index, asked, settings.min_cosine - slack(there.shape[1]))


def ranged(index: Any, asked: np.ndarray, radius: float) -> Iterator[Places]:
    """A range search of a FAISS index on inner products, QUERIES rows at a time."""
    for start in range(0, len(asked), QUERIES):
        limits, _, found = index.range_search(np.ascontiguousarray(asked[start : start + QUERIES]), radius)
        yield start + np.repeat(np.arange(len(limits) - 1), np.diff(limits.astype(np.int64))), found
