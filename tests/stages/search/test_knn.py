"""k nearest neighbours grown into a range search: what FAISS's GPU indexes are asked, asked of a CPU one."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.search.methods import knn


def crowds(random: np.random.Generator, rows: int) -> np.ndarray:
    """Some images alone, some in crowds of all sizes."""
    centres = random.standard_normal((6, 16))
    found = centres[random.integers(0, 6, rows) ** 2 % 6] + random.choice([0.02, 1.0], (rows, 1)) * random.normal(
        size=(rows, 16)
    )
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 200), st.sampled_from((0.2, 0.9, 0.99)))
def test_all_within_the_radius_are_found_however_few_neighbours_an_index_gives(
    seed: int, asked: int, most: int, radius: float
) -> None:
    random = np.random.default_rng(seed)
    there = crowds(random, 250)
    queries = np.concatenate([there[: asked // 2], crowds(random, asked)])
    index = faiss.IndexFlatIP(16)
    index.add(there)
    found = [(i, j) for i, j in knn.ranged_by_knn(index, queries, there, radius, most)]
    pairs = {pair for i, j in found for pair in zip(i.tolist(), j.tolist(), strict=True)}
    product = queries.astype(float) @ there.T.astype(float)
    assert sum(len(i) for i, _ in found) == len(pairs)
    assert {pair for pair in pairs if product[pair] < radius - 1e-5} == set()
    assert set(zip(*map(np.ndarray.tolist, np.nonzero(product >= radius + 1e-5)), strict=True)) <= pairs


@pytest.mark.parametrize("rows", [1, 31, 32, 33])
def test_an_index_with_fewer_rows_than_neighbours_asked_for(rows: int) -> None:
    there = crowds(np.random.default_rng(rows), rows)
    index = faiss.IndexFlatIP(16)
    index.add(there)
    found = [len(i) for i, _ in knn.ranged_by_knn(index, there, there, -1.5)]
    assert sum(found) == rows * rows
