"""Advice: for a run without pairs, thresholds that would give about fifty, and the search floor if it is in the way.

Both thresholds are loosened by the same share of their room: the blind one down to the search floor, the reference
one up to 1. How many pairs a choice gives is counted by the filter itself, with duplicates and the cap per image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from manifests.manifest import Manifest
from pipeline.reports.gallery.draws import candidate_cosines, random_cosines
from pipeline.reports.gallery.facts import Advice, Cosines, Wider
from stages.base import Reads, Task
from stages.filter.settings import FilterSettings
from stages.filter.stage import Filter

WANTED = 50
CLOSE = (40, 60)  # as good as WANTED
SEARCH_FROM = "directions"  # the first step that a lower search floor changes
TRIES = 10  # runs of the filter, at most
DIGITS = 3  # of a proposed threshold
Choice = tuple[float, float]  # blind_min, reference_max


@dataclass(frozen=True)
class Pool:
    """Pairs of images to choose thresholds from: all there are, or a draw of them."""

    blind: Cosines
    reference: Cosines
    total: int  # pairs that the draw stands for

    def loosened(self, wanted: int, start: Choice, floor: float) -> Choice:
        """Return the thresholds, between `start` and (`floor`, 1), that about `wanted` pairs of the pool meet.

        Fewer meet them where the reference threshold would be above the blind one.
        """
        shares = np.sort(np.maximum(*self._shares(start, floor)))
        place = min(len(shares), max(1, round(wanted * len(shares) / self.total))) - 1
        share = min(float(shares[place]), 1.0)
        blind_min, reference_max = start[0] - share * (start[0] - floor), start[1] + share * (1 - start[1])
        near = max(floor, _rounded(blind_min, np.floor))
        return near, min(near, _rounded(reference_max, np.ceil))  # beyond it the encoders agree

    def _shares(self, start: Choice, floor: float) -> tuple[Cosines, Cosines]:
        blind = (start[0] - self.blind) / max(start[0] - floor, 1e-9)
        reference = (self.reference - start[1]) / max(1 - start[1], 1e-9)
        return np.maximum(blind, 0.0), np.maximum(reference, 0.0)


def advised(manifests: Mapping[str, Manifest]) -> Advice | None:
    """Return what to try after a finished run without pairs; None if it has pairs or nothing could give any."""
    if manifests["pairs"].counts.ok:
        return None
    search = manifests["candidates"].lineage.settings["search"]
    chosen = manifests["pairs"].lineage.settings["filter"]
    start, floor = (chosen["blind_min"], chosen["reference_max"]), search["min_cosine"]
    pool = Pool(*candidate_cosines(manifests["candidates"]), manifests["candidates"].rows)
    reads = {name: manifests[name] for name in ("candidates", "copies")}
    found = nearest_to_wanted(pool, start, floor, lambda choice: filtered(reads, chosen, choice))
    wider = None if found and found[1] >= CLOSE[0] else _wider(manifests, start, floor)
    choice, pairs = found or (None, 0)
    return Advice(choice, pairs, floor, wider) if found or wider else None


def nearest_to_wanted(
    pool: Pool, start: Choice, floor: float, count: Callable[[Choice], int]
) -> tuple[Choice, int] | None:
    """Return the thresholds tried whose count is nearest to WANTED, and that count; None if no choice gives a pair."""
    low, high, asked = 0, pool.total + 1, min(WANTED, pool.total)
    tried: list[tuple[Choice, int]] = []
    while low < asked < high and len(tried) < TRIES:
        choice = pool.loosened(asked, start, floor)
        tried.append((choice, count(choice)))
        if CLOSE[0] <= tried[-1][1] <= CLOSE[1]:
            break
        low, high = (asked, high) if tried[-1][1] < WANTED else (low, asked)
        asked = min(2 * asked, pool.total) if high > pool.total else (low + high) // 2
    fruitful = [one for one in tried if one[1]]
    return min(fruitful, key=lambda one: abs(one[1] - WANTED), default=None)


def filtered(reads: Reads, settings: Mapping[str, Any], choice: Choice) -> int:
    """Return how many pairs the filter keeps with these thresholds."""
    asked = FilterSettings.model_validate({**settings, "blind_min": choice[0], "reference_max": choice[1]})
    return sum(part.counts.ok for part in Filter(asked).process(Task("all"), reads))


def _wider(manifests: Mapping[str, Manifest], start: Choice, floor: float) -> Wider | None:
    """Return thresholds below the search floor, estimated from random pairs; None if the floor is not to blame."""
    search, compared = manifests["candidates"].lineage.settings["search"], manifests["candidates"].counts.seen
    blind, reference = random_cosines(manifests["embeddings"], (search["blind"], search["reference"]))
    if not len(blind) or float(blind.min()) >= floor:
        return None
    lowest = max(-0.99, _rounded(float(blind.min()), np.floor))
    pool = Pool(blind, reference, max(compared, len(blind)))
    choice = pool.loosened(min(WANTED, pool.total), start, lowest)
    return Wider(*choice) if choice[0] < floor else None


def _rounded(value: float, towards: Callable[[float], Any]) -> float:
    # A pair on the threshold itself must meet it: the reference cosine has to be below, by more than rounding.
    step = 10.0**-DIGITS
    nudge = -1e-9 if towards is np.floor else 1e-9
    return round(float(towards((value + nudge) / step)) * step, DIGITS)
