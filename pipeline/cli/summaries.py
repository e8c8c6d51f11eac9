"""Summaries: rows of a manifest and its lineage, for a person (`str`) and for a program (`to_json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from manifests.draft import Draft
from manifests.manifest import Manifest
from pipeline.run.layout import ORDER
from pipeline.run.run import Run
from stages.text import many, plain, plain_lines, table


@dataclass(frozen=True)
class RowsSummary:
    """The first rows of a manifest."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    total: int

    def to_json(self) -> dict[str, Any]:
        return {"manifest": self.title, "rows": [dict(row) for row in self.rows], "total": self.total}

    def __str__(self) -> str:
        cells = [tuple(_cell(row[name]) for name in self.columns) for row in self.rows]
        head = f"{self.title}: {len(self.rows)} of {many(self.total, 'row')}"
        return plain_lines([head, *table(self.columns, cells)])


@dataclass(frozen=True)
class LineageSummary:
    """What a manifest was made of, and of what its inputs were."""

    chain: tuple[Manifest | Draft, ...]

    def to_json(self) -> dict[str, Any]:
        return {"steps": [_lineage_json(one) for one in self.chain]}

    def __str__(self) -> str:
        return plain_lines(line for one in self.chain for line in _lineage_lines(one))


def rows_of(run: Run, step: str, rows: int) -> RowsSummary:
    """The first rows of a step's manifest."""
    manifest = run.manifest(step)
    columns = manifest.columns
    found = (row for batch in manifest.batches(columns, max(rows, 1)) for row in batch.to_pylist())
    return RowsSummary(manifest.folder.url, tuple(columns), tuple(islice(found, rows)), manifest.rows)


def lineage_of(run: Run, step: str) -> LineageSummary:
    """A step's lineage, and those of all it was made from."""
    chain = [run.lineage(step)]
    needed = set(chain[0].lineage.inputs)
    for name in reversed(ORDER[: ORDER.index(step)] if step in ORDER else ORDER):
        if name in needed:
            chain.append(run.lineage(name))
            needed |= set(chain[-1].lineage.inputs)
    return LineageSummary(tuple(chain))


def _lineage_json(one: Manifest | Draft) -> dict[str, Any]:
    state = {"committed": isinstance(one, Manifest), "grown": [then.to_json() for then in one.grown]}
    state["removed"] = [gone.to_json() for gone in one.removed]
    state["computed"] = dict(_computed(one))
    return {**one.lineage.to_json(), "fingerprint": one.lineage.fingerprint, **state}


def _lineage_lines(one: Manifest | Draft) -> list[str]:
    lineage, state = one.lineage, "committed" if isinstance(one, Manifest) else "not finished"
    lines = [f"{lineage.step}  {lineage.fingerprint}  ({lineage.stage}, table {lineage.table}, {state})"]
    lines += [f"  it grew: {many(then.shards, 'shard was', 'shards were')} {then.fingerprint}" for then in one.grown]
    lines += [f"  taken out {gone.at}: {many(gone.rows, 'row')} ({gone.why})" for gone in one.removed]
    lines += [f"  computed in {how}: {many(shards, 'shard')}" for how, shards in _computed(one).items()]
    lines += [f"  {name} = {value}" for name, value in lineage.leaves()]
    return lines


def _computed(one: Manifest | Draft) -> Mapping[str, int]:
    return one.computed if isinstance(one, Manifest) else {}


def _cell(value: Any, most: int = 44) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = f"[{', '.join(value)}]"
    if isinstance(value, list):
        return f"[{', '.join(f'{number:.3f}' for number in value[:3])}, ... {len(value)}]"
    text = "" if value is None else plain(" ".join(str(value).split()))
    return text if len(text) <= most else text[: most - 1] + "…"
