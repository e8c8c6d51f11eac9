"""Cosine: the judge's digits do not depend on company, and the slack holds all that float32 may err."""

from __future__ import annotations

import math

import faiss
import numpy as np
import pytest

from stages.search.methods.flat import ranged
from stages.vectors.cosine import cosines, of_unit_length, slack

DIMS = (1, 2, 3, 7, 8, 9, 63, 127, 129, 768, 1024, 4096)


def vectors(count: int, dim: int) -> np.ndarray:
    return of_unit_length(np.random.default_rng(dim).normal(size=(count, dim)).astype(np.float32))


def adversaries(dim: int) -> np.ndarray:
    """Rows whose float32 sums err much: all of one sign, falling by orders, one large among small, alternating."""
    random, places = np.random.default_rng(dim), np.arange(dim)
    rows = [
        np.full(dim, 1 / 3),
        np.where(places == 0, 1.0, 1e-4 * (1 + 1e-3 * random.random(dim))),
        np.where(places == dim - 1, 1.0, 3e-4),
        np.where(places % 2, 1.0, -0.9999999),
        10.0 ** (-6 * places / dim),
        random.random(dim),
        random.random(dim) + 0.7,
        random.normal(size=dim),
        random.normal(size=dim) * 10.0 ** random.uniform(-8, 0, dim),
    ]
    return np.array(rows).astype(np.float32)


def exact(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x.astype(float).tolist(), y.astype(float).tolist()
    dot, xx, yy = (math.fsum(a * b for a, b in zip(*sides, strict=True)) for sides in ((x, y), (x, x), (y, y)))
    return dot / math.sqrt(xx) / math.sqrt(yy)


@pytest.mark.parametrize("dim", DIMS)
def test_a_pair_scores_the_same_alone_and_among_thousands(dim: int) -> None:
    rows = vectors(60, dim)
    i, j = (places.ravel() for places in np.indices((60, 60)))
    together = cosines(rows, rows, i, j)
    alone = [cosines(rows, rows, i[k : k + 1], j[k : k + 1])[0] for k in range(0, len(i), 97)]
    assert together[::97].tolist() == alone


@pytest.mark.parametrize("dim", DIMS)
def test_a_pair_scores_the_same_from_either_side(dim: int) -> None:
    rows = vectors(40, dim)
    i, j = (places.ravel() for places in np.indices((40, 40)))
    assert np.array_equal(cosines(rows, rows, i, j), cosines(rows, rows, j, i))


@pytest.mark.parametrize("dim", DIMS)
def test_equal_vectors_have_cosine_exactly_one(dim: int) -> None:
    rows, each = vectors(500, dim), np.arange(500)
    assert (cosines(rows, rows.copy(), each, each) == 1.0).all()


@pytest.mark.parametrize("dim", DIMS)
def test_opposite_vectors_have_cosine_exactly_minus_one(dim: int) -> None:
    rows, each = vectors(50, dim), np.arange(50)
    assert (cosines(rows, -rows, each, each) == -1.0).all()


@pytest.mark.parametrize("dim", [1, 2, 768])
def test_no_cosine_lies_beyond_one(dim: int) -> None:
    rows, each = vectors(500, dim), np.arange(500)
    assert (np.abs(cosines(rows, rows * np.float32(1.0001), each, each)) <= 1.0).all()


def test_no_pairs_have_no_cosines() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert cosines(vectors(1, 3), vectors(1, 3), none, none).shape == (0,)


@pytest.mark.parametrize("dim", DIMS)
def test_the_slack_bounds_what_float32_errs_in_any_order(dim: int) -> None:
    stored = adversaries(dim)
    rows = of_unit_length(stored)
    index = faiss.IndexFlatIP(dim)
    index.add(rows)
    by_faiss, order = index.search(rows, len(rows))
    for i, row in enumerate(rows):
        for found, j in zip(by_faiss[i], order[i], strict=True):
            products = row * rows[j]
            one_by_one = [
                np.cumsum(products[way], dtype=np.float32)[-1] for way in (slice(None), slice(None, None, -1))
            ]
            errors = np.abs(np.array([found, *one_by_one], dtype=float) - exact(stored[i], stored[j]))
            assert errors.max() + 2.0**-25 <= slack(dim)  # 2^-25: rounding the radius to float32


@pytest.mark.parametrize("dim", DIMS)
def test_every_pair_is_named_when_the_floor_is_its_own_cosine(dim: int) -> None:
    stored = np.concatenate([adversaries(dim), vectors(20, dim)])
    rows = of_unit_length(stored)
    for row in range(len(rows)):
        for other in range(row):
            radius = exact(stored[row], stored[other]) - slack(dim)
            index = faiss.IndexFlatIP(dim)
            index.add(rows[other : other + 1])
            assert [list(j) for _, j in ranged(index, rows[row : row + 1], radius)] == [[0]]
            assert rows[row] @ rows[other] >= np.float32(radius)


def test_faiss_leaves_out_what_lies_on_its_radius() -> None:
    """Why the radius lies below the floor even where nothing is rounded."""
    index = faiss.IndexFlatIP(1)
    index.add(np.ones((1, 1), np.float32))
    assert index.range_search(np.ones((1, 1), np.float32), 1.0)[0].tolist() == [0, 0]


def test_the_slack_stays_small_enough_to_prune() -> None:
    assert slack(4096) < 1e-3


def test_rows_come_at_unit_length_to_float32() -> None:
    lengths = np.linalg.norm(
        of_unit_length(adversaries(768).astype(np.float16).astype(np.float32)).astype(float), axis=1
    )
    assert np.abs(lengths - 1).max() < 2.0**-23
