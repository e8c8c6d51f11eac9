"""Filter: candidates within both thresholds, without duplicates, capped an image, grouped, ranked by gap.

One task: duplicates, caps and ranks are decided over all pairs together. Candidates are read a batch
at a time; only those within the thresholds are held. A pair within the thresholds that is left out is
a row with its reason; one outside them is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.counts import Counts
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import CANDIDATES, PAIRS
from stages.base import Reads, Stage, Task
from stages.filter.choice import EXACT, NEAR, groups, reasons
from stages.filter.duplicates import Classes, exact_classes, joined_classes
from stages.filter.settings import FilterSettings

BLIND_LOW, REFERENCE_HIGH = "blind_cosine_too_low", "reference_cosine_too_high"
COLUMNS = tuple(CANDIDATES.columns.names)


class Filter(Stage):
    """The candidates table in, the pairs table out."""

    name = "filter"
    unit = "candidates"
    remade = True

    def __init__(self, settings: FilterSettings) -> None:
        self.filter = settings

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"filter": self.filter.model_dump(mode="json")}

    def schema(self) -> Schema:
        return PAIRS

    def table(self) -> tuple[str, int]:
        return PAIRS.name, PAIRS.version

    def plan(self, reads: Reads) -> list[Task]:
        return [Task("all")]

    def expected(self, reads: Reads) -> int:
        return reads["candidates"].counts.ok

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        within, outside = self._within(reads["candidates"])
        ids = np.unique(np.concatenate([_column(within, "left_id"), _column(within, "right_id")]))
        classes = self._classes(ids, reads)
        table = _ranked(within, ids, classes, self.filter.max_pairs_per_image)
        yield Part(table, outside + _counts(table))

    def _within(self, candidates: Manifest) -> tuple[pa.Table, Counts]:
        """The candidates within both thresholds, best first, and the count of the others."""
        kept, tally = [CANDIDATES.columns.empty_table()], Counter[str]()
        for batch in candidates.batches(COLUMNS):
            blind = self._blind(batch.column("blind_cosine"))
            reference = pc.less(batch.column("reference_cosine"), self.filter.reference_max)
            both = batch.filter(pc.and_(blind, reference))
            tally[BLIND_LOW] += batch.num_rows - blind.true_count
            tally[REFERENCE_HIGH] += blind.true_count - both.num_rows
            kept.append(pa.Table.from_batches([both]).cast(CANDIDATES.columns))
        return _by_gap(pa.concat_tables(kept)), Counts(tally.total(), 0, dict(tally))

    def _blind(self, cosines: pa.Array) -> pa.BooleanArray:
        compare = pc.greater_equal if self.filter.comparison == ">=" else pc.greater
        return compare(cosines, self.filter.blind_min)

    def _classes(self, ids: NDArray[np.str_], reads: Reads) -> dict[str, Classes]:
        """Reason -> duplicate classes among the images of the pairs."""
        hashes = _hashes(reads["images"], ids)
        classes = {EXACT: exact_classes(ids, hashes)}
        if self.filter.near_duplicate_min is not None:
            left, right = _near_edges(reads["candidates"], ids, self.filter.near_duplicate_min)
            same = np.arange(len(ids))  # exact copies are near-duplicates of whatever their original is one of
            ends = np.concatenate([left, same]), np.concatenate([right, classes[EXACT]])
            classes[NEAR] = joined_classes(len(ids), *ends)
        return classes


def _ranked(within: pa.Table, ids: NDArray[np.str_], classes: dict[str, Classes], cap: int | None) -> pa.Table:
    left, right = (np.searchsorted(ids, _column(within, name)) for name in ("left_id", "right_id"))
    why = reasons(left, right, classes, cap)
    kept = np.array([reason is None for reason in why], dtype=bool)
    rank, group = (np.zeros(len(why), dtype=np.int64) for _ in range(2))
    rank[kept] = np.arange(1, kept.sum() + 1)
    group[kept] = groups(left[kept], right[kept])
    table = within.append_column("gap", pa.array(_gap(within)))
    table = table.append_column("group", pa.array(group, mask=~kept))
    table = table.append_column("rank", pa.array(rank, mask=~kept))
    table = table.append_column("reason", pa.array(why, pa.string()))
    return table.take(np.argsort(~kept, kind="stable"))


def _counts(pairs: pa.Table) -> Counts:
    tally = Counter(pairs.column("reason").to_pylist())
    kept = tally.pop(None, 0)
    return Counts(pairs.num_rows, kept, {str(reason): count for reason, count in sorted(tally.items())})


def _by_gap(table: pa.Table) -> pa.Table:
    """Widest gap first; pairs of equal gap by their ids, so that the order is the same on every run."""
    return table.take(np.lexsort((_column(table, "right_id"), _column(table, "left_id"), -_gap(table))))


def _gap(table: pa.Table) -> NDArray[np.float64]:
    return table.column("blind_cosine").to_numpy() - table.column("reference_cosine").to_numpy()


def _hashes(images: Manifest, ids: NDArray[np.str_]) -> dict[str, str]:
    wanted = pa.array(ids, pa.string())
    found: dict[str, str] = {}
    for batch in images.batches(("image_id", "sha256")):
        rows = batch.filter(pc.is_in(batch.column("image_id"), wanted))
        found.update(zip(rows.column("image_id").to_pylist(), rows.column("sha256").to_pylist(), strict=True))
    return found


def _near_edges(
    candidates: Manifest, ids: NDArray[np.str_], near: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Candidates near for both encoders whose two images both stand in some pair, as places in `ids`."""
    wanted, ends = pa.array(ids, pa.string()), [CANDIDATES.columns.empty_table()]
    for batch in candidates.batches(COLUMNS):
        rows = batch.filter(pc.greater_equal(batch.column("reference_cosine"), near))
        rows = rows.filter(pc.greater_equal(rows.column("blind_cosine"), near))
        both = pc.and_(pc.is_in(rows.column("left_id"), wanted), pc.is_in(rows.column("right_id"), wanted))
        ends.append(pa.Table.from_batches([rows.filter(both)]).cast(CANDIDATES.columns))
    edges = pa.concat_tables(ends)
    return np.searchsorted(ids, _column(edges, "left_id")), np.searchsorted(ids, _column(edges, "right_id"))


def _column(table: pa.Table, name: str) -> NDArray[np.str_]:
    return np.array(table.column(name).to_pylist(), dtype="U32")
