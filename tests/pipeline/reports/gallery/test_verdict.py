"""The demo's verdict: what counts as found, why the rest was missed, and what should not have been kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from world.audits import candidates_of, commit, searched_run

from manifests.counts import Counts
from manifests.manifest import Manifest
from manifests.shard import Part
from manifests.storage import Folder
from manifests.tables import PAIRS, image_id
from pipeline.drawing.shards import Planted
from pipeline.reports.gallery.verdict import Verdict, verdict

# what lies at these cosines of (1, 0), exactly: 3 / sqrt(25) is 0.6
AT = {1.0: (1, 0), 0.8: (4, 3), 0.6: (3, 4), 0.0: (0, 1)}
FILTER = {"blind_min": 0.8, "reference_max": 0.6, "comparison": ">="}


def judged(
    folder: Path,
    cosines: Sequence[tuple[float, float]],
    kept: Mapping[tuple[str, str], str | None] = {},
    *,
    rejected: Sequence[int] = (),
    copies: Mapping[int, int] = {},
    cut: int = 0,
    patterns: Sequence[str] = (),
    **changes: Any,
) -> Verdict:
    """The verdict on a pair for each of (blind, reference) `cosines`, its images k-a and k-b.

    `kept`: two keys -> why the pair is left out; `rejected`, `copies`: images by number, 2 a pair.
    """
    vectors = {
        role: np.array([row for both in cosines for row in ((1, 0), AT[both[place]])], np.float32).reshape(-1, 2)
        for place, role in enumerate(("blind", "reference"))
    }
    planted = [Planted(pattern, f"{k}-a", f"{k}-b") for k, pattern in enumerate(patterns or ["count"] * len(cosines))]
    ids = [named(f"{k}-{side}") for k in range(len(cosines)) for side in "ab"]
    run = searched_run(folder, vectors, ids=ids, rejected=rejected, copies=copies)
    candidates_of(run, [], min_cosine=0.5, cut=cut)
    _pairs(run, kept, FILTER | changes)
    steps = ("embeddings", "copies", "candidates", "pairs")
    return verdict(planted, "scenes", {step: Manifest.open(run / step) for step in steps})


def named(key: str) -> str:
    return image_id("scenes", f"{key}.jpg")


def _pairs(run: Folder, kept: Mapping[tuple[str, str], str | None], settings: Mapping[str, Any]) -> None:
    facts = {"blind_cosine": 1.0, "reference_cosine": 0.0, "gap": 1.0, "left_copies": 0, "right_copies": 0}
    rows = [
        dict.fromkeys(PAIRS.columns.names)
        | dict(zip(("left_id", "right_id"), sorted(map(named, keys)), strict=True))
        | facts
        | {"reason": reason}
        for keys, reason in kept.items()
    ]
    table = pa.Table.from_pylist(rows, schema=PAIRS.columns)
    commit(run / "pairs", PAIRS, [Part(table, Counts(len(rows), len(rows)))], {"filter": settings})


def why(verdict: Verdict) -> str:
    (row,) = verdict.rows
    return row.why


def test_a_planted_pair_that_is_kept_is_found_whichever_side_comes_first(tmp_path: Path) -> None:
    found = judged(tmp_path, [(0.8, 0.0)] * 5, {(f"{k}-a", f"{k}-b"): None for k in range(5)})
    assert (found.planted, found.found, found.unplanted, found.forbidden, why(found)) == (5, 5, 0, 0, "")


@pytest.mark.parametrize(
    ("cosines", "changes", "reason"),
    [
        ((0.6, 0.0), {}, "1 told apart by the blind encoder"),
        ((0.8, 0.0), {"comparison": ">"}, "1 told apart by the blind encoder"),
        ((1.0, 0.6), {}, "1 not told apart by the reference"),
        ((1.0, 1.0), {}, "1 not told apart by the reference"),
        ((0.8, 0.0), {}, "1 missed by the search"),
        ((1.0, 0.0), {"comparison": ">"}, "1 missed by the search"),
        ((1.0, 0.0), {"cut": 3}, "1 cut by max_per_image, or missed by the search"),
        ((1.0, 0.0), {"rejected": (1,)}, "1 image not readable"),
        ((1.0, 0.0), {"copies": {1: 0}}, "1 an exact copy of another picture"),
        ((1.0, 0.0), {"kept": {("0-a", "0-b"): "image_in_enough_pairs"}}, "1 image in enough pairs"),
    ],
)
def test_each_miss_has_its_reason(
    tmp_path: Path, cosines: tuple[float, float], changes: dict[str, Any], reason: str
) -> None:
    missed = judged(tmp_path, [cosines], **changes)
    assert (missed.found, missed.planted, why(missed)) == (0, 1, reason)


def test_reasons_are_counted_by_pattern_the_most_frequent_first(tmp_path: Path) -> None:
    cosines = [(0.6, 0.0), (1.0, 1.0), (1.0, 1.0), (1.0, 0.0)]
    found = judged(tmp_path, cosines, {("3-a", "3-b"): None}, patterns=["count"] * 3 + ["text"])
    rows = [(row.pattern, row.planted, row.found, row.missed) for row in found.rows]
    assert rows == [("count", 3, 0, 3), ("text", 1, 1, 0)]
    assert found.rows[0].why == "2 not told apart by the reference, 1 told apart by the blind encoder"


def test_a_kept_pair_that_nobody_planted_is_counted(tmp_path: Path) -> None:
    found = judged(tmp_path, [(1.0, 0.0)] * 2, {("0-a", "0-b"): None, ("0-a", "1-b"): None})
    assert (found.found, found.unplanted, found.forbidden) == (1, 1, 0)


@pytest.mark.parametrize(
    ("cosines", "changes", "forbidden"),
    [
        ((0.8, 0.0), {}, 0),
        ((0.8, 0.0), {"comparison": ">"}, 1),
        ((1.0, 0.0), {"comparison": ">"}, 0),
        ((0.6, 0.0), {}, 1),
        ((1.0, 0.6), {}, 1),
        ((1.0, 0.0), {"rejected": (0,)}, 1),
    ],
)
def test_a_kept_pair_that_the_definition_forbids_is_counted(
    tmp_path: Path, cosines: tuple[float, float], changes: dict[str, Any], forbidden: int
) -> None:
    found = judged(tmp_path, [cosines], {("0-a", "0-b"): None}, **changes)
    assert (found.forbidden, found.unplanted) == (forbidden, 0)


def test_a_person_is_told_the_share_and_what_else_was_kept(tmp_path: Path) -> None:
    found = judged(tmp_path, [(1.0, 0.0), (0.6, 0.0)], {("0-a", "0-b"): None, ("0-a", "1-b"): None})
    assert str(found).splitlines() == [
        "pattern      planted  found  missed  why",
        "count              2      1       1  1 told apart by the blind encoder",
        "found 1 of 2 planted pairs (50.0 %)",
        "1 more pair meets both thresholds though nobody planted it",
        "1 kept pair that the definition forbids (each checked again from its vectors)",
    ]
