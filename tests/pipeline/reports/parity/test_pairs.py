"""The statement of pairs, against a loop over every two pictures."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from pipeline.reports.parity.pairs import Role, pairs_of
from pipeline.reports.parity.result import Pairs
from stages.filter.settings import FilterSettings

COUNT = 40


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def role(seed: int, noise: float, dim: int = 4) -> Role:
    """Vectors on one side, and nearly the same ones on the other."""
    dice = np.random.default_rng(seed)
    rows = dice.normal(size=(COUNT, dim))
    return Role(unit(rows), unit(rows + noise * dice.normal(size=rows.shape)))


def chosen(**changes: object) -> FilterSettings:
    return FilterSettings.model_validate({"blind_min": 0.6, "reference_max": 0.3, **changes})


def cosines(rows: np.ndarray) -> dict[tuple[int, int], float]:
    return {(i, j): float(sum(rows[i] * rows[j])) for i, j in combinations(range(len(rows)), 2)}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.1])
def test_lost_gained_and_open_pairs_are_those_of_a_loop(seed: int, noise: float) -> None:
    blind, seeing = role(seed, noise), role(seed + 100, noise)
    found = pairs_of(blind, seeing, chosen())
    sides = [[cosines(rows) for rows in (one.reference, one.step)] for one in (blind, seeing)]
    change = [max(abs(side[0][pair] - side[1][pair]) for pair in side[0]) for side in sides]
    pairs = [{p for p in sides[0][0] if sides[0][n][p] >= 0.6 and sides[1][n][p] < 0.3} for n in (0, 1)]
    near = {
        p
        for p in sides[0][0]
        if (abs(sides[0][0][p] - 0.6) <= change[0] + 1e-12 and sides[1][0][p] <= 0.3 + change[1] + 1e-12)
        or (abs(sides[1][0][p] - 0.3) <= change[1] + 1e-12 and sides[0][0][p] >= 0.6 - change[0] - 1e-12)
    }
    at = found.at[0]
    assert (found.images, found.comparisons) == (COUNT, COUNT * (COUNT - 1) // 2)
    assert (found.blind_change, found.reference_change) == pytest.approx(change, abs=1e-12)
    assert (at.by_reference, at.by_step) == (len(pairs[0]), len(pairs[1]))
    assert (at.lost, at.gained) == (len(pairs[0] - pairs[1]), len(pairs[1] - pairs[0]))
    assert at.open == len(near)
    assert at.lost + at.gained <= at.open
    assert pairs[0]


def test_a_pair_that_changes_sides_is_lost_and_one_that_comes_is_gained() -> None:
    def turned(degrees: float) -> np.ndarray:
        return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])

    apart = np.eye(3)
    blind = Role(np.array([turned(0), turned(59.9), turned(120)]), np.array([turned(0), turned(60.1), turned(120)]))
    at = pairs_of(blind, Role(apart, apart), chosen(blind_min=0.5)).at[0]
    # 0 and 1 by 59.9 degrees, then 60.1; 1 and 2 the other way round
    assert (at.by_reference, at.by_step, at.lost, at.gained, at.open) == (1, 1, 1, 1, 2)


@pytest.mark.parametrize(("comparison", "pairs"), [(">=", 1), (">", 0)])
def test_a_cosine_on_the_blind_threshold_is_a_pair_as_the_recipe_compares(comparison: str, pairs: int) -> None:
    blind, apart = np.array([[1.0, 0.0], [0.6, 0.8]]), np.eye(2)
    found = pairs_of(Role(blind, blind), Role(apart, apart), chosen(blind_min=0.6, comparison=comparison))
    assert (found.comparison, found.at[0].by_step, found.at[0].open) == (comparison, pairs, 1)


def thresholds(found: Pairs) -> list[float]:
    return [at.blind_min for at in found.at]


def test_lower_thresholds_are_looked_at_only_where_the_recipes_give_no_pair() -> None:
    blind, seeing = role(0, 1e-3), role(1, 1e-3)
    assert thresholds(pairs_of(blind, seeing, chosen())) == [0.6]
    none = pairs_of(blind, seeing, chosen(blind_min=1.0))
    assert thresholds(none) == [1.0, 0.95, 0.9, 0.8, 0.6]
    assert none.at[0].by_reference == 0 < none.at[-1].by_reference


@pytest.mark.parametrize("count", [0, 1])
def test_without_two_pictures_there_is_no_pair(count: int) -> None:
    one = Role(np.ones((count, 1)), np.ones((count, 1)))
    found = pairs_of(one, one, chosen())
    assert (found.comparisons, found.blind_change, found.at[0].open) == (0, 0.0, 0)
