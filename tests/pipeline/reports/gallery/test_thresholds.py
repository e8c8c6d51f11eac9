"""The map of thresholds: every count as a plain loop would count it, the run's own choice among them."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.reports.gallery.facts import Comparison, Report
from pipeline.reports.gallery.thresholds import SLIDER_STEPS, fine_grid, pairs_above, threshold_grid


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


@pytest.mark.parametrize("comparison", [">=", ">"])
def test_every_stop_of_the_sliders_has_the_count_of_the_filters_own_comparisons(comparison: Comparison) -> None:
    facts = replace(report(), comparison=comparison)
    fine = fine_grid(facts)
    assert fine
    blind, reference = facts.candidate_blind, facts.candidate_reference
    for i, j in [(0, -1), fine.chosen, (len(fine.blind) // 2, -3), (3, len(fine.reference) - 9)]:
        near = blind >= fine.blind[i] if comparison == ">=" else blind > fine.blind[i]
        assert fine.counts[i, j] == (near & (reference < fine.reference[j])).sum()
    assert (fine.blind[fine.chosen[0]], fine.reference[fine.chosen[1]]) == (0.95, 0.555)
    assert (fine.blind[0], fine.blind[-1], fine.reference[-1]) == (0.9, 1.0, 1.0)
    assert not fine.estimated
    assert [list(map(int, row.split())) for row in fine.rows().split(",")] == fine.counts.tolist()


@pytest.mark.parametrize(("floor", "blind_min"), [(0.95, 0.95), (0.65, 0.6512), (-0.99, 0.2), (0.97, 0.95), (1, 1)])
def test_the_sliders_have_few_stops_and_begin_near_the_runs_own_thresholds(floor: float, blind_min: float) -> None:
    fine = fine_grid(report(floor, blind_min))
    assert fine
    assert max(len(fine.blind), len(fine.reference)) <= SLIDER_STEPS + 4
    assert fine.blind[fine.chosen[0]] == max(floor, blind_min)


def test_the_sliders_counts_from_a_draw_are_scaled_and_said_to_be_estimates() -> None:
    drawn, whole = fine_grid(report(candidates_total=4000)), fine_grid(report())
    assert drawn
    assert whole
    assert drawn.estimated
    assert (drawn.counts == 10 * whole.counts).all()


def test_without_a_candidate_there_are_no_sliders() -> None:
    assert fine_grid(Report("t", "b", "r", 0.95, 0.6, 0.95, 0, ())) is None
