"""Origins: how each pair of a benchmark was found: both its cosines, and the thresholds it was chosen by.

A run may be filtered anew after people have written. The frozen rows therefore keep what the run said of their pairs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from manifests.earlier_tables import LATER_COLUMNS
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from stages.author.authored import Ids
from stages.base import Reads

IDS, COSINES = ("left_id", "right_id"), ("blind_cosine", "reference_cosine")


@dataclass(frozen=True)
class Origin:
    """The pair's cosines and thresholds as the questions table has them; None for what is not known."""

    blind_cosine: float | None = None
    reference_cosine: float | None = None
    thresholds: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def thresholds_of(pairs: Lineage) -> str | None:
    """Return the thresholds of a pairs manifest in words; None if it was not made by the filter."""
    if (chosen := pairs.settings.get("filter")) is None:
        return None
    return f"blind {chosen['comparison']} {chosen['blind_min']:g}, reference < {chosen['reference_max']:g}"


def origins(ids: Collection[Ids], reads: Reads, chosen: Mapping[Ids, str]) -> Mapping[Ids, Origin]:
    """Map each of these pairs to its origin.

    The thresholds are those of the run's pairs if it is one of them, else those by which the run had it when a person
    chose it (`chosen`), else those of the newest frozen version. The candidates, of which there may be many, are read
    only for pairs whose cosines no other table has.
    """
    listed = _rows(ids, reads.get("pairs"), (*COSINES, "rank"))
    frozen = _rows(ids, _with_origins(reads.get("questions")), (*COSINES, "thresholds"))
    known = {**frozen, **listed}
    known |= _rows([one for one in ids if not _has_cosines(known.get(one))], reads.get("candidates"), COSINES)
    now = thresholds_of(reads["pairs"].lineage) if "pairs" in reads else None
    is_listed = {one for one, row in listed.items() if row["rank"] is not None}
    return {
        one: _origin(known.get(one, {}), now if one in is_listed else chosen.get(one) or _thresholds(frozen.get(one)))
        for one in ids
    }


def _origin(row: Mapping[str, Any], thresholds: str | None) -> Origin:
    return Origin(row.get("blind_cosine"), row.get("reference_cosine"), thresholds)


def _thresholds(row: Mapping[str, Any] | None) -> str | None:
    return row["thresholds"] if row else None


def _has_cosines(row: Mapping[str, Any] | None) -> bool:
    return row is not None and row["blind_cosine"] is not None


def _with_origins(questions: Manifest | None) -> Manifest | None:
    """Return a frozen version that has these columns; None for one of an earlier table."""
    return questions if questions is not None and questions.lineage.table not in LATER_COLUMNS else None


def _rows(ids: Collection[Ids], manifest: Manifest | None, columns: tuple[str, ...]) -> dict[Ids, Mapping[str, Any]]:
    """Map each of these pairs that the manifest has to its columns."""
    if manifest is None or not ids:
        return {}
    return {(row["left_id"], row["right_id"]): row for row in _found({*ids}, manifest, columns)}


def _found(ids: Collection[Ids], manifest: Manifest, columns: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    lefts = pa.array(sorted({left for left, _ in ids}), pa.string())
    for batch in manifest.batches((*IDS, *columns)):
        near = batch.filter(pc.is_in(batch.column("left_id"), lefts))
        yield from (row for row in near.to_pylist() if (row["left_id"], row["right_id"]) in ids)
