"""Products and the first look: exactly the pairs of rows whose product reaches the radius, however it is cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.search.methods import first_look, products
from stages.search.methods.products import lots

Pairs = Counter[tuple[int, int]]
WAYS = pytest.mark.parametrize("way", [products, first_look])


def whole_numbers(rows: int, length: int, seed: int) -> np.ndarray:
    """Rows whose products neither float32 nor bfloat16 rounds."""
    return np.random.default_rng(seed).integers(-3, 4, size=(rows, length)).astype(np.float32)


def named(way: ModuleType, left: np.ndarray, right: np.ndarray, radius: float, diagonal: bool = False) -> Pairs:
    found: Pairs = Counter()
    for i, j in way.reaching(left, right, radius, diagonal):
        assert len(i) == len(j) > 0
        found.update(zip(i.tolist(), j.tolist(), strict=True))
    return found


def plain(left: np.ndarray, right: np.ndarray, radius: float) -> Pairs:
    return Counter(zip(*(ends.tolist() for ends in np.nonzero(left @ right.T >= radius)), strict=True))


@contextmanager
def cut_small(way: ModuleType, data: st.DataObject) -> Iterator[None]:
    """Products of a few rows and columns, so that there are many."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((way, "ROWS"), (way, "COLUMNS"), (products, "REGION")):
            patch.setattr(module, name, data.draw(st.integers(1, 22)))
        yield


@WAYS
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 4), st.integers(1, 9), st.data())
def test_all_pairs_that_reach_the_radius_are_named_once(
    way: ModuleType, rows: int, columns: int, length: int, radius: int, data: st.DataObject
) -> None:
    left, right = (whole_numbers(count, length, data.draw(st.integers(0, 99))) for count in (rows, columns))
    with cut_small(way, data):
        assert named(way, left, right, radius) == plain(left, right, radius)


@WAYS
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 20), st.integers(1, 4), st.integers(1, 9), st.data())
def test_on_the_diagonal_each_unordered_pair_is_named_once_this_way_round(
    way: ModuleType, rows: int, length: int, radius: int, data: st.DataObject
) -> None:
    both = whole_numbers(rows, length, data.draw(st.integers(0, 99)))
    with cut_small(way, data):
        found = named(way, both, both, radius, diagonal=True)
    expected = plain(both, both, radius)
    assert {pair for pair in found if pair[0] < pair[1]} == {pair for pair in expected if pair[0] < pair[1]}
    assert found <= expected


@WAYS
@pytest.mark.parametrize(("rows", "columns"), [(1, 9000), (9000, 1), (700, 2500), (8193, 1025)])
def test_they_are_as_the_module_cuts_them_too(way: ModuleType, rows: int, columns: int) -> None:
    left, right = whole_numbers(rows, 6, 1), whole_numbers(columns, 6, 5)
    assert named(way, left, right, 20) == plain(left, right, 20)
    assert len(plain(left, right, 20)) > 0


def test_a_radius_below_zero_is_one_too() -> None:
    left, right = whole_numbers(30, 4, 1), whole_numbers(40, 4, 2)
    assert named(products, left, right, -9) == plain(left, right, -9)


@WAYS
def test_a_product_on_the_radius_reaches_it(way: ModuleType) -> None:
    ones = np.ones((2, 1), np.float32)
    assert named(way, ones, ones, 1.0) == Counter([(0, 0), (0, 1), (1, 0), (1, 1)])
    assert named(way, ones, ones, 1.0 + 1e-6) == Counter()


@given(st.lists(st.integers(0, 9), max_size=9), st.integers(1, 12))
def test_lots_are_the_same_places_in_their_order_so_many_at_a_time(sizes: list[int], most: int) -> None:
    ends = np.cumsum([0, *sizes])
    coming = [(np.arange(a, b), -np.arange(a, b)) for a, b in pairwise(ends.tolist())]
    found = list(lots(coming, most))
    assert [len(left) for left, _ in found[:-1]] == [most] * (len(found) - 1)
    assert all(0 < len(left) <= most for left, _ in found)
    together = [(i, j) for left, right in found for i, j in zip(left.tolist(), right.tolist(), strict=True)]
    assert together == [(place, -place) for place in range(sum(sizes))]
