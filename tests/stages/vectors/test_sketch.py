"""Sketch: the product of two sketches is never below the cosine they stand for, whatever the vectors and directions."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from world.adversaries import at_cosine, exact_cosine, unit

from stages.directions.stage import principal
from stages.vectors import sketch
from stages.vectors.cosine import cosines
from stages.vectors.sketch import HALF_COVER, in_half, sketched

COUNT = 6
Random = np.random.Generator


def bordering(dim: int, random: Random) -> np.ndarray:
    first = unit(random.normal(size=dim))
    return np.array([first, *(at_cosine(first, 0.95 + random.uniform(-1e-7, 1e-7), random) for _ in range(COUNT - 1))])


def centred(dim: int, random: Random) -> np.ndarray:
    rows = random.normal(size=(COUNT, dim))
    return rows - rows.mean(axis=1, keepdims=True) if dim > 1 else rows


KINDS: dict[str, Callable[[int, Random], np.ndarray]] = {
    "anyhow": lambda dim, random: random.normal(size=(COUNT, dim)),
    "of unit length": lambda dim, random: unit(random.normal(size=(COUNT, dim))),
    "clustered": lambda dim, random: random.normal(size=dim) + 1e-3 * random.normal(size=(COUNT, dim)),
    "nearly equal": lambda dim, random: unit(random.normal(size=dim)) + 1e-7 * random.normal(size=(COUNT, dim)),
    "on the border": bordering,
    "of mean zero": centred,
    "of rank two": lambda dim, random: random.normal(size=(COUNT, 2)) @ random.normal(size=(2, dim)),
    "along one direction": lambda dim, random: random.normal(size=(COUNT, 1)) * random.normal(size=dim),
    "tiny": lambda dim, random: (1 + random.random((COUNT, dim))) * 2e-45,
    "huge": lambda dim, random: random.normal(size=(COUNT, dim)) * 1e37,
    "of many orders": lambda dim, random: random.normal(size=(COUNT, dim)) * 10.0 ** random.uniform(-37, 0, dim),
    "stored as float16": lambda dim, random: unit(random.normal(size=(COUNT, dim))).astype(np.float16),
    "along an axis": lambda dim, random: np.eye(dim)[random.integers(dim, size=COUNT)],
}


def directions_of(kind: str, vectors: np.ndarray, random: Random) -> np.ndarray:
    """(dim, dim) orthonormal directions."""
    dim = vectors.shape[1]
    if kind == "fitted":
        return principal(unit(vectors.astype(float)))[0]
    axes = np.eye(dim)[random.permutation(dim)]
    return axes if kind == "axes" else np.linalg.qr(random.normal(size=(dim, dim)))[0]


def product(x: np.ndarray, y: np.ndarray) -> float:
    """Of two sketches as they are stored, rounded once."""
    return math.fsum(a * b for a, b in zip(x.astype(float).tolist(), y.astype(float).tolist(), strict=True))


def check_bound(kind: str, along: str, dim: int, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = KINDS[kind](dim, random).astype(np.float32)
    assert (vectors != 0).any(axis=1).all()
    sketches = sketched(vectors, directions_of(along, vectors, random)[:count])
    assert (sketches.dtype, sketches.shape) == (np.dtype(np.float32), (COUNT, count + 1))
    halves = in_half(sketches)
    assert halves.dtype == np.float16
    for i, j in combinations(range(COUNT), 2):
        scored = cosines(vectors, vectors, np.array([i]), np.array([j]))[0]
        highest = max(exact_cosine(vectors[i], vectors[j]), scored)
        assert highest <= product(sketches[i], sketches[j])
        assert highest <= product(halves[i], halves[j])


kinds, directions = st.sampled_from(list(KINDS)), st.sampled_from(("fitted", "drawn", "axes"))


@settings(max_examples=150, deadline=None)
@given(kinds, directions, st.integers(1, 64), st.data(), st.integers(0, 2**32 - 1))
def test_no_cosine_lies_above_its_sketches_product(
    kind: str, along: str, dim: int, data: st.DataObject, seed: int
) -> None:
    check_bound(kind, along, dim, data.draw(st.integers(0, dim)), seed)


@pytest.mark.parametrize("count", [0, 1, 40, 767, 768])
@pytest.mark.parametrize("kind", list(KINDS))
def test_none_does_where_vectors_are_as_long_as_those_of_models(kind: str, count: int) -> None:
    check_bound(kind, "fitted" if count == 40 else "axes", 768, count, count)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 64), st.integers(0, 2**32 - 1))
@example(768, 0)
def test_the_cover_also_holds_directions_that_are_off_by_as_much_as_is_taken(dim: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    exact = np.linalg.qr(random.normal(size=(dim, dim)))[0]
    off = exact + random.normal(size=(dim, dim)) * sketch.ORTHONORMAL / dim / 20
    for vectors in (unit(random.normal(size=(COUNT, dim))), bordering(dim, random)):
        sketches = sketched(vectors, off)
        for i, j in combinations(range(COUNT), 2):
            assert exact_cosine(vectors[i], vectors[j]) <= product(sketches[i], sketches[j])


@pytest.mark.parametrize("dim", [1, 2, 64, 768])
def test_along_all_directions_the_product_is_hardly_more_than_the_cosine(dim: int) -> None:
    random = np.random.default_rng(dim)
    for vectors in (unit(random.normal(size=(COUNT, dim))), bordering(dim, random), np.eye(dim)[[0] * COUNT]):
        vectors = vectors.astype(np.float32)
        sketches = sketched(vectors, directions_of("drawn", vectors, random))
        halves = in_half(sketches)
        for i, j in combinations(range(COUNT), 2):
            there = exact_cosine(vectors[i], vectors[j])
            assert product(sketches[i], sketches[j]) - there < 1e-6
            assert product(halves[i], halves[j]) - there < 2 * HALF_COVER + 1e-3


def test_along_more_directions_the_product_comes_down_to_the_cosine() -> None:
    random = np.random.default_rng(3)
    vectors = unit(np.ones(32) + random.normal(size=(40, 32)))
    every = principal(vectors)[0]
    above = []
    for count in range(33):
        sketches = sketched(vectors, every[:count]).astype(float)
        above.append(float((sketches @ sketches.T - vectors.astype(float) @ vectors.T).mean()))
    assert all(after < before + 1e-6 for before, after in pairwise(above))
    assert (above[0] > 0.4, above[8] < above[0] / 2) == (True, True)


@pytest.mark.parametrize("rows", [1, 2, 4096])
def test_a_sketch_is_the_same_in_any_company(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = unit(np.random.default_rng(5).normal(size=(9, 6)))
    every = principal(vectors)[0]
    expected = sketched(vectors, every)
    monkeypatch.setattr(sketch, "ROWS", rows)
    assert np.allclose(sketched(vectors, every), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    "odd",
    [
        np.array([[1.0, 0.0], [1e-11, 1.0]]),
        np.array([[1.0 + 1e-11, 0.0]]),
        np.array([[1.0, 0.0], [1.0, 0.0]]),
        np.array([[0.0, 0.0]]),
        np.array([[np.nan, 1.0]]),
    ],
    ids=["slanted", "long", "twice", "zero", "nan"],
)
def test_directions_that_are_not_orthonormal_are_an_error(odd: np.ndarray) -> None:
    with pytest.raises(ValueError, match="not orthonormal"):
        sketched(np.ones((1, 2), np.float32), odd)


def test_no_vectors_have_no_sketches() -> None:
    assert sketched(np.zeros((0, 3), np.float32), np.eye(3)[:2]).shape == (0, 3)
