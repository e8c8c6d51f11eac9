"""Verdict: which planted pairs a run found, and why it missed the others.

Works from the vectors alone, with plain NumPy in float64: it shares no code with the search it judges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from operator import ge, gt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifests.manifest import Manifest
from manifests.tables import OVER_CAP
from pipeline.drawing.shards import Planted
from pipeline.reports.gallery.facts import Planted as PlantedRow
from pipeline.run.layout import FORGOTTEN
from stages.text import many

Vectors = Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]  # image_id -> blind, reference
Ends = tuple[str, str]


@dataclass(frozen=True)
class Verdict:
    """Found and missed pairs by pattern; kept pairs that were not planted; kept pairs that the definition forbids.

    `forgotten`: images that were taken out of the run, which cannot be in any pair.
    """

    rows: tuple[PlantedRow, ...]
    unplanted: int
    forbidden: int
    forgotten: int = 0

    @property
    def planted(self) -> int:
        return sum(row.planted for row in self.rows)

    @property
    def found(self) -> int:
        return sum(row.found for row in self.rows)

    def __str__(self) -> str:
        share = 100 * self.found / max(self.planted, 1)
        lines = [f"{'pattern':<12} planted  found  missed  why"]
        lines += [f"{r.pattern:<12} {r.planted:>7}  {r.found:>5}  {r.missed:>6}  {r.why}".rstrip() for r in self.rows]
        lines += [f"found {self.found} of {many(self.planted, 'planted pair')} ({share:.1f} %)"]
        more = many(self.unplanted, "more pair meets", "more pairs meet")
        lines += [f"{more} both thresholds though nobody planted {'it' if self.unplanted == 1 else 'them'}"]
        kept = many(self.forbidden, "kept pair")
        lines += [f"{kept} that the definition forbids (each checked again from its vectors)"]
        if self.forgotten:
            gone = many(self.forgotten, "image was", "images were")
            lines += [f"{gone} forgotten from this run; to find the pairs of all scenes, give a new folder with --out"]
        return "\n".join(lines)


def verdict(planted: Sequence[Planted], source: str, manifests: Mapping[str, Manifest]) -> Verdict:
    """Judge a finished run on the drawn scenes of `source`."""
    candidates, filtered = manifests["candidates"], manifests["pairs"].lineage.settings["filter"]
    settings = candidates.lineage.settings["search"] | filtered | {"cut": candidates.counts.rejected.get(OVER_CAP, 0)}
    embeddings = manifests["embeddings"]
    vectors = _vectors(embeddings, settings["blind"], settings["reference"])
    there = {name for (name,) in _rows(embeddings, ("image_id",))}
    kept, reasons = _pairs(manifests["pairs"])
    ends = {pair.ids(source): pair.pattern for pair in planted}
    copies = {name for (name,) in _rows(manifests["copies"], ("image_id",))}
    missed = {
        pair: _why(pair, reasons, copies, vectors, settings) if there >= set(pair) else "image forgotten"
        for pair in ends
        if pair not in kept
    }
    rows = tuple(_row(pattern, ends, missed) for pattern in dict.fromkeys(ends.values()))
    forbidden = sum(not _allowed(pair, vectors, settings) for pair in kept)
    forgotten = sum(gone.rows for gone in embeddings.removed if gone.why == FORGOTTEN)
    return Verdict(rows, len(kept - set(ends)), forbidden, forgotten)


def _row(pattern: str, ends: Mapping[Ends, str], missed: Mapping[Ends, str]) -> PlantedRow:
    planted = [pair for pair, of in ends.items() if of == pattern]
    why = Counter(missed[pair] for pair in planted if pair in missed)
    told = ", ".join(f"{count} {reason}" for reason, count in why.most_common())
    return PlantedRow(pattern, len(planted), len(planted) - why.total(), why.total(), told)


def _why(
    pair: Ends, reasons: Mapping[Ends, str], copies: Set[str], vectors: Vectors, settings: Mapping[str, Any]
) -> str:
    if pair in reasons:
        return reasons[pair].replace("_", " ")
    if copies & set(pair):
        return "an exact copy of another picture"
    if not all(end in vectors for end in pair):
        return "image not readable"
    blind, reference = _cosines(pair, vectors)
    if not _near(blind, settings):
        return "told apart by the blind encoder"
    if reference >= settings["reference_max"]:
        return "not told apart by the reference"
    return "cut by max_per_image, or missed by the search" if settings["cut"] else "missed by the search"


def _allowed(pair: Ends, vectors: Vectors, settings: Mapping[str, Any]) -> bool:
    """Whether a kept pair meets the definition: both images have vectors, near for one encoder, far for the other."""
    if not all(end in vectors for end in pair):
        return False
    blind, reference = _cosines(pair, vectors)
    return _near(blind, settings) and bool(reference < settings["reference_max"])


def _near(blind: float, settings: Mapping[str, Any]) -> bool:
    compare = ge if settings["comparison"] == ">=" else gt
    return bool(compare(blind, settings["blind_min"]))


def _cosines(pair: Ends, vectors: Vectors) -> tuple[float, float]:
    """Return both cosines to 12 digits: beyond those two float64 code paths may differ."""
    (a, c), (b, d) = (vectors[end] for end in pair)
    blind, reference = (float(x @ y / np.sqrt((x @ x) * (y @ y))) for x, y in ((a, b), (c, d)))
    return round(blind, 12), round(reference, 12)


def _pairs(pairs: Manifest) -> tuple[set[Ends], dict[Ends, str]]:
    """Return the kept pairs, and the reasons of the pairs left out."""
    rows = list(_rows(pairs, ("left_id", "right_id", "reason")))
    kept = {(left, right) for left, right, reason in rows if reason is None}
    return kept, {(left, right): reason for left, right, reason in rows if reason is not None}


def _vectors(embeddings: Manifest, blind: str, reference: str) -> Vectors:
    rows = _rows(embeddings, ("image_id", blind, reference))
    return {
        name: (np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)) for name, x, y in rows if x is not None
    }


def _rows(manifest: Manifest, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for batch in manifest.batches(columns, 1024):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
