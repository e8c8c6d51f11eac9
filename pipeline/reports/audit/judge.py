"""Judge: compare the truth with what is stored: found, missed, cut, false, wrong."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifests.manifest import Manifest
from manifests.tables import OVER_CAP
from pipeline.reports.audit.compared import Ids
from pipeline.reports.audit.result import MOST_NAMED, OddPair
from pipeline.reports.audit.stored import Stored, last_kept
from pipeline.reports.audit.truth import Truth

APART = 1e-9  # cosines of two float64 code paths differ by less than this

Mask = NDArray[np.bool_]


def judged(truth: Truth, stored: Stored, candidates: Manifest, ids: Ids) -> dict[str, Any]:
    """Return counts and named pairs, keyed by Audit's field names. `ids`: of all compared images, sorted."""
    at, known = _matched(truth, stored, len(ids))
    wrong = known & _differ(truth, stored, at)
    found = np.zeros(len(truth.blind), bool)
    found[at[known]] = True
    missing = np.flatnonzero(truth.certain & ~found)
    cut = _cut(truth, missing, candidates, ids)
    missed, false = missing[~cut], np.flatnonzero(~known)
    return {
        "true_pairs": int(truth.certain.sum()),
        "found": int((truth.certain & found).sum()),
        "missed": len(missed),
        "cut": int(cut.sum()),
        "border": int((~truth.certain).sum()),
        "false": len(false),
        "wrong": int(wrong.sum()),
        "missed_pairs": tuple(_missed(truth, place, ids) for place in missed[:MOST_NAMED]),
        "false_pairs": tuple(_held(stored, place) for place in false[:MOST_NAMED]),
        "wrong_pairs": tuple(_held(stored, place, truth, at[place]) for place in np.flatnonzero(wrong)[:MOST_NAMED]),
    }


def _matched(truth: Truth, stored: Stored, count: int) -> tuple[NDArray[np.int64], Mask]:
    """Return each stored pair's place in the truth, and whether it is in it; of two equal rows, the second is not."""
    keys = truth.left * count + truth.right  # ascending, as the pairs are
    asked = np.where(stored.left >= 0, stored.left * count + stored.right, -1)
    found = np.searchsorted(keys, asked)
    known = found < len(keys)
    known[known] = keys[found[known]] == asked[known]
    first = np.zeros(len(asked), bool)
    first[np.unique(asked, return_index=True)[1]] = True
    return np.where(known, found, 0), known & first


def _differ(truth: Truth, stored: Stored, at: NDArray[np.int64]) -> Mask:
    """Return which stored pairs have a cosine that differs from the truth's; NaN counts as different."""
    if not len(truth.blind):
        return np.zeros(len(at), bool)
    near = np.abs(stored.blind - truth.blind[at]) <= APART
    return ~(near & (np.abs(stored.reference - truth.reference[at]) <= APART))


def _cut(truth: Truth, missing: NDArray[np.int64], candidates: Manifest, ids: Ids) -> Mask:
    """Return which missing pairs may have been cut: both images are full of pairs of no larger reference cosine."""
    cap = candidates.lineage.settings["search"]["max_per_image"]
    if cap is None or not candidates.counts.rejected.get(OVER_CAP):
        return np.zeros(len(missing), bool)
    ends, place = np.unique(np.concatenate([truth.left[missing], truth.right[missing]]), return_inverse=True)
    last = last_kept(candidates, ids[ends], cap)[place].reshape(2, len(missing)).max(axis=0)
    return last <= truth.reference[missing] + APART


def _missed(truth: Truth, place: int, ids: Ids) -> OddPair:
    left, right = (ids[side[place]].decode() for side in (truth.left, truth.right))
    return OddPair(left, right, float(truth.blind[place]), float(truth.reference[place]))


def _held(stored: Stored, place: int, truth: Truth | None = None, at: int = 0) -> OddPair:
    """Return a stored pair, with the truth's cosines beside its own where there are any."""
    left, right = stored.left_id[place].decode(), stored.right_id[place].decode()
    blind, reference = (float(truth.blind[at]), float(truth.reference[at])) if truth else (None, None)
    return OddPair(left, right, blind, reference, _number(stored.blind[place]), _number(stored.reference[place]))


def _number(cosine: float) -> float | None:
    return float(cosine) if isfinite(cosine) else None  # JSON has no NaN
