"""Pairs: which pictures are a pair by either side's vectors, and how much the difference matters. Arrays only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reports.parity.result import Pairs, PairsAt
from stages.filter.settings import FilterSettings

LOWER = (0.05, 0.1, 0.2, 0.4)  # amounts below blind_min, tried where the recipe's thresholds give no pair
ROUNDING = 1e-12  # of float64 sums

Vectors = NDArray[np.float64]  # (n, dim), each of unit length
Cosines = NDArray[np.float64]  # of every two pictures, (n (n - 1) / 2,)
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)  # eq: holds arrays
class Role:
    """One role's vectors of the same pictures by the library and by the step; row i of both is the same picture."""

    reference: Vectors
    step: Vectors


@dataclass(frozen=True, eq=False)
class _Cosines:
    """Both sides' cosines of one role, and the largest difference."""

    reference: Cosines
    step: Cosines
    change: float


def pairs_of(blind: Role, reference: Role, chosen: FilterSettings) -> Pairs:
    """Count the pairs by either side within the recipe's thresholds, and if there are none, within lower blind ones."""
    sides = _cosines(blind), _cosines(reference)
    at = [_within(*sides, chosen.blind_min, chosen)]
    if not at[0].by_reference and not at[0].by_step:
        at += [_within(*sides, round(chosen.blind_min - less, 6), chosen) for less in LOWER]
    changes = sides[0].change, sides[1].change
    return Pairs(len(blind.step), len(sides[0].step), chosen.comparison, *changes, tuple(at))


def _cosines(role: Role) -> _Cosines:
    reference, step = every_two(role.reference), every_two(role.step)
    return _Cosines(reference, step, float(np.abs(reference - step).max(initial=0.0)))


def every_two(vectors: Vectors) -> Cosines:
    """Return the cosine of every two rows, once."""
    rows, columns = np.triu_indices(len(vectors), 1)
    return (vectors @ vectors.T)[rows, columns]


def _within(blind: _Cosines, reference: _Cosines, blind_min: float, chosen: FilterSettings) -> PairsAt:
    most = chosen.reference_max
    ours = _are_pairs(blind.step, reference.step, blind_min, most, chosen.comparison)
    theirs = _are_pairs(blind.reference, reference.reference, blind_min, most, chosen.comparison)
    return PairsAt(
        blind_min=blind_min,
        reference_max=most,
        by_reference=int(theirs.sum()),
        by_step=int(ours.sum()),
        lost=int((theirs & ~ours).sum()),
        gained=int((ours & ~theirs).sum()),
        open=int(_open(blind, reference, blind_min, most).sum()),
    )


def _are_pairs(blind: Cosines, reference: Cosines, blind_min: float, most: float, comparison: str) -> Mask:
    near = blind > blind_min if comparison == ">" else blind >= blind_min
    return near & (reference < most)


def _open(blind: _Cosines, reference: _Cosines, blind_min: float, most: float) -> Mask:
    """Return the pairs within the largest change of one threshold and not beyond that of the other threshold."""
    near, far = blind.reference - blind_min, most - reference.reference  # both positive: a pair
    about = blind.change + ROUNDING, reference.change + ROUNDING
    may_be = (near >= -about[0]) & (far >= -about[1])
    must_be = (near > about[0]) & (far > about[1])
    return may_be & ~must_be
