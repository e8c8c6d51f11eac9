"""The map of thresholds: every count as a plain loop would count it, the run's own choice among them."""

import numpy as np
import pytest

from pipeline.reports.gallery.facts import Comparison, Report
from pipeline.reports.gallery.thresholds import nearest_with_pairs, pairs_above, threshold_grid


def report(floor: float = 0.9, blind_min: float = 0.95, candidates_total: int = 400) -> Report:
    rng = np.random.default_rng(7)
    return Report(
        title="drawn",
        blind="CLIP",
        reference="DINOv2",
        blind_min=blind_min,
        reference_max=0.555,
        floor=floor,
        pairs_total=0,
        pairs=(),
        candidates_total=candidates_total,
        candidate_blind=rng.uniform(0.9, 1.0, 400),
        candidate_reference=rng.uniform(0.62, 1.0, 400),
    )


@pytest.mark.parametrize("comparison", [">=", ">"])
def test_threshold_counts_are_those_of_a_plain_double_loop(comparison: Comparison) -> None:
    rng = np.random.default_rng(11)
    blind = np.append(rng.choice([0.9, 0.95, 0.96, 0.975, 1.0], 300), np.nan)
    reference = np.append(rng.choice([-0.1, 0.2, 0.5, 0.6, 0.7], 300), 0.1)
    blind_steps, reference_steps = (0.9, 0.95, 0.975), (-0.2, 0.2, 0.5, 0.6, 0.65)
    counts = pairs_above(blind, reference, blind_steps, reference_steps, comparison=comparison)
    for i, b in enumerate(blind_steps):
        for j, r in enumerate(reference_steps):
            near = [x >= b if comparison == ">=" else x > b for x in blind]
            assert counts[i, j] == sum(n and y < r for n, y in zip(near, reference, strict=True))


def test_a_pair_on_the_blind_threshold_counts_and_one_on_the_reference_threshold_does_not() -> None:
    counts = pairs_above(np.array([0.95, 0.95]), np.array([0.6, 0.5999]), (0.95,), (0.6,))
    assert counts.tolist() == [[1]]


@pytest.mark.parametrize(
    ("floor", "blind_min"), [(0.95, 0.95), (0.9, 0.95), (0.65, 0.6512), (0.0, 0.3), (-1.0, 0.2), (0.97, 0.95)]
)
def test_the_map_always_holds_the_chosen_cell(floor: float, blind_min: float) -> None:
    grid = threshold_grid(report(floor, blind_min))
    assert (grid.blind[grid.chosen[0]], grid.reference[grid.chosen[1]]) == (blind_min, 0.555)
    assert grid.blind[grid.searched.index(True)] == floor
    assert len(grid.blind) <= 15


def test_counts_from_a_draw_are_scaled_to_all_candidates() -> None:
    drawn, whole = threshold_grid(report(candidates_total=4000)), threshold_grid(report())
    assert drawn.estimated
    assert not whole.estimated
    assert (drawn.counts == 10 * whole.counts).all()


def test_the_nearest_looser_thresholds_with_pairs_change_as_little_as_possible() -> None:
    grid = threshold_grid(report())
    place = nearest_with_pairs(grid)
    assert place is not None
    assert (grid.blind[place[0]], grid.reference[place[1]]) == (0.95, 0.7)


def test_no_thresholds_are_proposed_where_the_search_found_nothing() -> None:
    empty = threshold_grid(Report("t", "b", "r", 0.95, 0.6, 0.95, 0, ()))
    assert nearest_with_pairs(empty) is None
