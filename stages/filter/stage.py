"""Filter: keep candidates within both thresholds, without duplicates, capped per image, grouped, ranked by gap.

There is one task, because duplicates, caps and ranks are decided over all pairs together. Candidates are read batch
by batch; only those within the thresholds stay in memory. A pair within the thresholds that is left out is a row with
its reason; a pair outside them is only counted.
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
from stages.classes import Classes, joined_classes
from stages.filter.reasons import BLIND_LOW, NEAR, REFERENCE_HIGH, groups, reasons
from stages.filter.settings import FilterSettings

COLUMNS = tuple(CANDIDATES.columns.names)


class Filter(Stage):
    """The candidates table in, the pairs table out."""

    name = "filter"
    unit = "candidates"
    rebuildable = True

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
        ids = _images(within)
        within = _by_gap(_with_copies(within, ids, reads["copies"]), ids)
        table = _ranked(within, ids, self._classes(ids, reads["candidates"]), self.filter.max_pairs_per_image)
        yield Part(table, outside + _counts(table))

    def _within(self, candidates: Manifest) -> tuple[pa.Table, Counts]:
        """Return the candidates within both thresholds, and the counts of the others."""
        kept, tally = [CANDIDATES.columns.empty_table()], Counter[str]()
        for batch in candidates.batches(COLUMNS):
            blind = self._blind(batch.column("blind_cosine"))
            reference = pc.less(batch.column("reference_cosine"), self.filter.reference_max)
            both = batch.filter(pc.and_(blind, reference))
            tally[BLIND_LOW] += batch.num_rows - blind.true_count
            tally[REFERENCE_HIGH] += blind.true_count - both.num_rows
            kept.append(pa.Table.from_batches([both]).cast(CANDIDATES.columns))
        return pa.concat_tables(kept), Counts(tally.total(), 0, dict(+tally))  # + drops zeros

    def _blind(self, cosines: pa.Array) -> pa.BooleanArray:
        compare = pc.greater_equal if self.filter.comparison == ">=" else pc.greater
        return compare(cosines, self.filter.blind_min)

    def _classes(self, ids: pa.StringArray, candidates: Manifest) -> dict[str, Classes]:
        """Return reason -> duplicate classes of the pairs' images. Exact copies are no longer among the candidates."""
        if self.filter.near_duplicate_min is None:
            return {}
        return {NEAR: joined_classes(len(ids), *_near_edges(candidates, ids, self.filter.near_duplicate_min))}


def _ranked(within: pa.Table, ids: pa.StringArray, classes: dict[str, Classes], cap: int | None) -> pa.Table:
    left, right = _places(within, ids)
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


def _images(pairs: pa.Table) -> pa.StringArray:
    """Return every image of these pairs once, sorted."""
    both = pa.chunked_array([*pairs.column("left_id").chunks, *pairs.column("right_id").chunks], pa.string())
    ids = both.unique()
    return ids.take(pc.sort_indices(ids))


def _places(pairs: pa.Table, ids: pa.StringArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places in `ids` of both images of each pair."""
    left, right = (pc.index_in(pairs.column(name), ids).to_numpy() for name in ("left_id", "right_id"))
    return left.astype(np.int64), right.astype(np.int64)


def _by_gap(pairs: pa.Table, ids: pa.StringArray) -> pa.Table:
    """Sort by gap, widest first; pairs of equal gap by their ids, so that the order is the same in every run."""
    left, right = _places(pairs, ids)
    return pairs.combine_chunks().take(np.lexsort((right, left, -_gap(pairs))))


def _gap(pairs: pa.Table) -> NDArray[np.float64]:
    return pairs.column("blind_cosine").to_numpy() - pairs.column("reference_cosine").to_numpy()


def _with_copies(pairs: pa.Table, ids: pa.StringArray, copies: Manifest) -> pa.Table:
    """Add to each pair how many other images each of its two images represents."""
    tally: Counter[str] = Counter()
    for batch in copies.batches(("copy_of",)):
        standing = batch.column("copy_of")
        tally.update(standing.filter(pc.is_in(standing, ids)).to_pylist())
    for side in ("left", "right"):
        counts = [tally[name] for name in pairs.column(f"{side}_id").to_pylist()]
        pairs = pairs.append_column(f"{side}_copies", pa.array(counts, pa.int64()))
    return pairs


def _near_edges(candidates: Manifest, ids: pa.StringArray, near: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the candidates near for both encoders whose images both occur in `ids`, as places in `ids`."""
    edges = [CANDIDATES.columns.empty_table()]
    for batch in candidates.batches(COLUMNS):
        rows = batch.filter(pc.greater_equal(batch.column("reference_cosine"), near))
        rows = rows.filter(pc.greater_equal(rows.column("blind_cosine"), near))
        both = pc.and_(pc.is_in(rows.column("left_id"), ids), pc.is_in(rows.column("right_id"), ids))
        edges.append(pa.Table.from_batches([rows.filter(both)]).cast(CANDIDATES.columns))
    return _places(pa.concat_tables(edges), ids)
