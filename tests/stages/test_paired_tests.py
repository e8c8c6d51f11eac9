"""Tests between two models, against SciPy's and against counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stages.accuracy import Share
from stages.paired_tests import difference, holm, mcnemar

COUNT = st.integers(0, 40)
P_VALUES = st.lists(st.floats(0, 1), max_size=9)


@given(COUNT, COUNT)
def test_mcnemars_p_is_the_exact_binomial_test(left: int, right: int) -> None:
    expected = stats.binomtest(left, left + right).pvalue if left + right else 1.0
    assert mcnemar(left, right) == pytest.approx(expected, abs=1e-12)
    assert mcnemar(left, right) == mcnemar(right, left)


@given(P_VALUES)
def test_holms_values_are_those_of_the_step_down_procedure(values: list[float]) -> None:
    """Rejecting what is at or under a level is the same as Holm's own procedure at that level."""
    adjusted = holm(values)
    assert all(new >= old for new, old in zip(adjusted, values, strict=True))
    for level in (0.01, 0.05, 0.3):
        rejected, left = set(), sorted(range(len(values)), key=values.__getitem__)
        while left and values[left[0]] * len(left) <= level:
            rejected.add(left.pop(0))
        assert {place for place, p in enumerate(adjusted) if p <= level} == rejected


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_a_difference_counts_what_only_one_got_right(both: list[tuple[bool, bool]]) -> None:
    found = difference(*zip(*both, strict=True))
    assert found is not None
    assert (found.only_left, found.only_right) == (both.count((True, False)), both.count((False, True)))
    assert found.value == pytest.approx(np.mean([int(one) - int(other) for one, other in both]))
    assert found.low is None or found.low <= found.value <= found.high


def test_the_bootstraps_interval_is_that_of_drawing_pairs_one_by_one() -> None:
    dice = np.random.default_rng(3)
    left, right = dice.random(150) < 0.5, dice.random(150) < 0.35
    found = difference(left, right)
    drawn = [(left[one] * 1 - right[one] * 1).mean() for one in dice.integers(0, 150, (4000, 150))]
    assert found is not None
    assert (found.low, found.high) == pytest.approx(np.percentile(drawn, (2.5, 97.5)), abs=0.02)


def test_nothing_has_no_difference_and_equal_models_no_interval() -> None:
    assert difference([], []) is None
    same = difference([True, False], [True, False])
    assert same is not None
    assert (same.value, same.low, same.high, same.p) == (0.0, None, None, 1.0)


@pytest.mark.parametrize("right", [0, 1, 7, 14, 15])
def test_an_intervals_ends_leave_a_fortieth_on_either_side(right: int) -> None:
    low, high = Share(right, 15).interval
    if right:
        assert stats.binom.sf(right - 1, 15, low) == pytest.approx(0.025)
    if right < 15:
        assert stats.binom.cdf(right, 15, high) == pytest.approx(0.025)
    assert (low == 0.0, high == 1.0) == (right == 0, right == 15)
