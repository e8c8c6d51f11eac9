"""Thresholds: how many candidates each pair of thresholds would accept.

Candidates are counted before duplicates and the cap per image are removed. Both comparisons are
the filter's own: blind >= t (or > t, as the run is configured), reference < t.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.reports.gallery.facts import Comparison, Cosines, Report

Counts = NDArray[np.int64]
REFERENCE_STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BLIND_STEP_WIDTHS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
MOST_ROWS = 10
SLIDER_STEP_WIDTHS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
SLIDER_STEPS = 60
UNSEARCHED_ROWS = 2  # shown hatched, to indicate that there is more below the floor


@dataclass(frozen=True, eq=False)  # eq: holds an array
class Grid:
    """Counts by thresholds: `counts[i, j]` for `blind[i]` and `reference[j]`, both ascending."""

    blind: tuple[float, ...]
    reference: tuple[float, ...]
    counts: Counts
    chosen: tuple[int, int]  # the run's own cell
    searched: tuple[bool, ...]  # per row: False below the search's floor, where counts are meaningless
    estimated: bool  # counts are scaled up from a draw of the candidates


def pairs_above(
    blind: Cosines,
    reference: Cosines,
    blind_thresholds: tuple[float, ...],
    reference_thresholds: tuple[float, ...],
    *,
    comparison: Comparison = ">=",
) -> Counts:
    """Count pairs for every combination of (ascending) thresholds in one pass over the pairs, not one per cell.

    Returns shape (len(blind_thresholds), len(reference_thresholds)). A cosine that is not a number
    belongs to no pair.
    """
    known = ~(np.isnan(blind) | np.isnan(reference))
    side: Literal["left", "right"] = "right" if comparison == ">=" else "left"
    # How many blind thresholds a pair passes, and the first reference threshold that it is below.
    passed = np.searchsorted(np.asarray(blind_thresholds), blind[known], side=side)
    first = np.searchsorted(np.asarray(reference_thresholds), reference[known], side="right")
    cells = np.zeros((len(blind_thresholds) + 1, len(reference_thresholds) + 1), dtype=np.int64)
    np.add.at(cells, (passed, first), 1)
    at_least = cells[::-1].cumsum(axis=0)[::-1]
    counts: Counts = at_least.cumsum(axis=1)[1:, :-1]
    return counts


def threshold_grid(report: Report) -> Grid:
    blind = blind_steps(report.floor, report.blind_min)
    reference = rising((*REFERENCE_STEPS, report.reference_max))
    drawn = len(report.candidate_blind)
    counts = pairs_above(
        report.candidate_blind, report.candidate_reference, blind, reference, comparison=report.comparison
    )
    estimated = 0 < drawn < report.candidates_total
    if estimated:
        counts = np.rint(counts * (report.candidates_total / drawn)).astype(np.int64)
    chosen = (blind.index(round(report.blind_min, 9)), reference.index(round(report.reference_max, 9)))
    searched = tuple(step >= round(report.floor, 9) for step in blind)
    return Grid(blind, reference, counts, chosen, searched, estimated)


def blind_steps(floor: float, chosen: float) -> tuple[float, ...]:
    """Return round thresholds from a little below the floor up to 1, including the floor and the chosen one."""
    width = next((w for w in BLIND_STEP_WIDTHS if (1 - floor) / w <= MOST_ROWS + 1e-9), BLIND_STEP_WIDTHS[-1])
    first = int(np.ceil(round(floor / width, 9)))
    last = int(np.ceil(round(1 / width, 9)))
    steps = [n * width for n in range(first, last)]
    below = [n * width for n in range(first - UNSEARCHED_ROWS, first) if n * width < floor and n * width > -1]
    return rising((*below, *steps, floor, chosen))


def rising(thresholds: tuple[float, ...]) -> tuple[float, ...]:
    # Rounded, so that 3 * 0.1 and a setting of 0.3 are one threshold.
    return tuple(sorted({round(float(t), 9) for t in thresholds}))


@dataclass(frozen=True, eq=False)  # eq: holds an array
class FineGrid:
    """Counts for the sliders: as a Grid's, in smaller steps, and only from the search floor up."""

    blind: tuple[float, ...]
    reference: tuple[float, ...]
    counts: Counts
    chosen: tuple[int, int]  # the steps nearest to the run's own thresholds
    estimated: bool

    def rows(self) -> str:
        """Return the counts as text: numbers separated by spaces, a row for each blind threshold, rows by commas."""
        return ",".join(" ".join(map(str, row)) for row in self.counts.tolist())


def fine_grid(report: Report) -> FineGrid | None:
    """Return the counts for the sliders; None if there is no candidate."""
    if not len(report.candidate_blind):
        return None
    lowest = min(0.0, report.reference_max, float(np.nanmin(report.candidate_reference)))
    blind = slider_steps(report.floor, report.blind_min)
    reference = slider_steps(max(-1.0, float(np.floor(lowest * 10) / 10)), report.reference_max)
    pool = (report.candidate_blind, report.candidate_reference)
    counts = pairs_above(*pool, blind, reference, comparison=report.comparison)
    scale = max(report.candidates_total / len(pool[0]), 1.0)
    counts = np.rint(counts * scale).astype(np.int64)
    chosen = (nearest(blind, report.blind_min), nearest(reference, report.reference_max))
    return FineGrid(blind, reference, counts, chosen, scale > 1)


def slider_steps(low: float, chosen: float) -> tuple[float, ...]:
    """Return round thresholds from `low` to 1, both included, and the chosen one if it lies between."""
    width = next((w for w in SLIDER_STEP_WIDTHS if (1 - low) / w <= SLIDER_STEPS + 1e-9), SLIDER_STEP_WIDTHS[-1])
    first = int(np.ceil(round(low / width, 9)))
    steps = [n * width for n in range(first, int(np.floor(round(1 / width, 9))) + 1)]
    return rising((low, *steps, 1.0, *([chosen] if chosen >= low else [])))


def nearest(steps: tuple[float, ...], value: float) -> int:
    return int(np.abs(np.asarray(steps) - value).argmin())
