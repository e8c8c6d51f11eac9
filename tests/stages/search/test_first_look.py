"""The first look: what rounding to bfloat16 may err is part of its bound, and it is used only where it is sound."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.search.methods import first_look, pace, products
from stages.search.methods.first_look import LEAST_RADIUS, Rounded, lowered, reaching
from stages.vectors.cosine import slack

STEP = 2.0**-7  # between neighbours of bfloat16 from 1 to 2


def rows_of(count: int, numbers: int, seed: int, spread: float) -> np.ndarray:
    """Rows about as long as sketches, near each other, of which many numbers lie halfway between two of bfloat16."""
    random = np.random.default_rng(seed)
    rows = random.standard_normal(numbers) + spread * random.standard_normal((count, numbers))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    halfway = (np.floor(rows / STEP) + 0.5 + random.choice([-1, 0, 1], rows.shape) * 2.0**-20) * STEP
    return np.where(random.random(rows.shape) < 0.7, halfway, rows).astype(np.float32)


some_rows = st.builds(
    rows_of, st.integers(1, 12), st.integers(1, 130), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.01, 0.3])
)


@settings(max_examples=50)
@given(some_rows, st.integers(0, 2**32 - 1))
def test_no_pair_is_lost_at_whatever_radius_its_own_product_is(rows: np.ndarray, seed: int) -> None:
    other = rows_of(7, rows.shape[1], seed, 0.3)
    products_ = rows.astype(np.float64) @ other.astype(np.float64).T
    margin = slack(rows.shape[1]) * 4
    for radius in products_[products_ > LEAST_RADIUS + margin].ravel()[:6]:
        found = {(i, j) for part in reaching(rows, other, radius - margin) for i, j in zip(*part, strict=True)}
        assert set(zip(*np.nonzero(products_ >= radius), strict=True)) <= found
        assert all(products_[pair] >= radius - 2 * margin for pair in found)


@settings(max_examples=200)
@given(some_rows, st.integers(0, 2**32 - 1))
def test_the_lowered_radius_lies_below_every_rounded_product_of_a_pair_that_reaches_it(
    rows: np.ndarray, seed: int
) -> None:
    other = rows_of(7, rows.shape[1], seed, 0.3)
    x, y = Rounded(rows), Rounded(other)
    exact = rows.astype(np.float64) @ other.astype(np.float64).T
    rounded = (x.rows.double() @ y.rows.double().T).numpy()
    assert all(rounded[pair] > lowered(exact[pair], x, y) for pair in np.ndindex(exact.shape))
    assert abs(lowered(0.9, x, y) - 0.9) < 0.02 * max(x.length * y.length, 1)


def test_the_bound_is_no_wider_than_rounding_can_be() -> None:
    """Were it half as wide, this pair would be lost."""
    rows = np.full((1, 32), (1 + STEP / 2 - 2.0**-20) / 32**0.5 * 2.0**0.5, np.float32)  # rounded down, all of them
    exact = float((rows.astype(np.float64) ** 2).sum())
    x = Rounded(rows)
    rounded = float((x.rows.double() ** 2).sum())
    assert exact - rounded > 0.9 * (exact - lowered(exact, x, x))


def test_numbers_are_filled_up_and_neither_side_is_changed() -> None:
    rows = rows_of(5, 33, 1, 0.3)
    before = rows.copy()
    assert Rounded(rows).rows.shape == (5, 64)
    assert not Rounded(rows).rows[:, 33:].any()
    assert (rows == before).all()


def test_products_that_are_rounded_otherwise_are_told() -> None:
    x = Rounded(rows_of(40, 64, 3, 0.3)).rows
    exact = x.double() @ x.double().T
    assert pace.is_nearest(exact.bfloat16(), x, x)
    cut_off = (exact.float().view(torch.int32) & -65536).view(torch.float32).bfloat16()
    assert not pace.is_nearest(cut_off, x, x)
    summed = torch.zeros(exact.shape, dtype=torch.bfloat16)
    for number in range(x.shape[1]):
        summed += x[:, number : number + 1] * x[:, number]
    assert not pace.is_nearest(summed, x, x)


LARGE = 10**9


@pytest.mark.parametrize(
    ("comparisons", "radius", "loaded", "faster", "expected"),
    [
        (LARGE, 0.95, True, True, first_look),
        (LARGE, 0.95, False, True, products),  # not worth loading torch
        (1000 * LARGE, 0.95, False, True, first_look),
        (1000 * LARGE, 0.95, True, False, products),
        (1000, 0.95, True, True, products),  # not worth measuring
        (LARGE, LEAST_RADIUS, True, True, first_look),
        (LARGE, LEAST_RADIUS - 1e-6, True, True, products),  # lowered, it might lie below zero
        (LARGE, -0.5, True, True, products),
    ],
)
def test_it_is_used_where_it_pays_and_holds(
    monkeypatch: pytest.MonkeyPatch, comparisons: int, radius: float, loaded: bool, faster: bool, expected: object
) -> None:
    monkeypatch.setattr(pace, "first_look_is_faster", lambda numbers, threads: faster)
    if not loaded:
        monkeypatch.delitem(sys.modules, "torch")
    way = pace.reaching_by(comparisons, 32, radius, 3)
    assert getattr(way, "func", way) is expected.reaching
    assert getattr(way, "keywords", {"threads": 3}) == {"threads": 3}


@pytest.mark.parametrize("seconds", [(1.0, 1.0), (1.0, 5.0)])
def test_it_is_used_where_it_is_faster(monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, float]) -> None:
    took = dict(zip((first_look.reaching, products.reaching), seconds, strict=True))
    monkeypatch.setattr(pace, "_seconds", lambda way, rows: took[getattr(way, "func", way)])
    monkeypatch.setattr(pace, "_sums_in_float32", lambda rows: True)
    assert pace._measured.__wrapped__(32, 1) == (seconds[1] > seconds[0])
    monkeypatch.setattr(pace, "_sums_in_float32", lambda rows: False)
    assert not pace._measured.__wrapped__(32, 1)


def test_this_processor_is_measured() -> None:
    assert pace.first_look_is_faster(48, 1) in (True, False)
    assert pace._sums_in_float32(rows_of(300, 64, 1, 0.3))
