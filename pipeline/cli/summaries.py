"""Summaries: rows of a manifest and its lineage, for a person (`str`) and for a program (`to_json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from manifests.draft import Draft
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from pipeline.benchmark.frozen_lineage import FROZEN, frozen_lineages
from pipeline.run.layout import ORDER, steps_begun
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
class Ancestor:
    """A lineage in the chain of a manifest: what the run holds of that step now, and what differs from it."""

    lineage: Lineage
    there: Manifest | Draft | None = None  # None: what the run holds is another manifest, or nothing
    frozen_with: str = ""  # the version of the questions that kept it
    note: str = ""  # what is another one now

    def to_json(self) -> dict[str, Any]:
        return {**self.lineage.to_json(), "fingerprint": self.lineage.fingerprint, **self._state()}

    def _state(self) -> dict[str, Any]:
        told = {"frozen_with": self.frozen_with, "note": self.note}
        state: dict[str, Any] = {name: value for name, value in told.items() if value}
        if self.there is None:
            return {"committed": False, **state}
        state |= {"committed": isinstance(self.there, Manifest), "computed": dict(_computed(self.there))}
        state["grown"] = [then.to_json() for then in self.there.grown]
        return state | {"removed": [gone.to_json() for gone in self.there.removed]}

    def lines(self) -> list[str]:
        lineage, there = self.lineage, self.there
        state = f"frozen with {self.frozen_with}" if self.frozen_with else ""
        state = state or ("committed" if isinstance(there, Manifest) else "not finished")
        lines = [f"{lineage.step}  {lineage.fingerprint}  ({lineage.stage}, table {lineage.table}, {state})"]
        lines += [f"  {self.note}"] if self.note else []
        lines += self._history()
        kept = f"{FROZEN}."  # the lineages kept with a version follow by themselves
        return lines + [f"  {name} = {value}" for name, value in lineage.leaves() if not name.startswith(kept)]

    def _history(self) -> list[str]:
        if (there := self.there) is None:
            return []
        lines = [f"  it grew: {many(one.shards, 'shard was', 'shards were')} {one.fingerprint}" for one in there.grown]
        lines += [f"  taken out {gone.at}: {many(gone.rows, 'row')} ({gone.why})" for gone in there.removed]
        return lines + [f"  computed in {how}: {many(shards, 'shard')}" for how, shards in _computed(there).items()]


@dataclass(frozen=True)
class LineageSummary:
    """What a manifest was made of, and of what its inputs were."""

    chain: tuple[Ancestor, ...]

    def to_json(self) -> dict[str, Any]:
        return {"steps": [one.to_json() for one in self.chain]}

    def __str__(self) -> str:
        return plain_lines(line for one in self.chain for line in one.lines())


def rows_of(run: Run, step: str, rows: int) -> RowsSummary:
    """The first rows of a step's manifest."""
    manifest = run.manifest(step)
    columns = manifest.columns
    found = (row for batch in manifest.batches(columns, max(rows, 1)) for row in batch.to_pylist())
    return RowsSummary(manifest.folder.url, tuple(columns), tuple(islice(found, rows)), manifest.rows)


def lineage_of(run: Run, step: str) -> LineageSummary:
    """A step's lineage, and those of all it was made from: as they were frozen, where they were."""
    first = run.lineage(step)
    chain, frozen = [Ancestor(first.lineage, first)], frozen_lineages(first.lineage)
    needed = dict(first.lineage.inputs)
    for name in reversed(ORDER[: ORDER.index(step)] if step in ORDER else ORDER):
        if name in needed:
            one = _ancestor(run, name, needed[name], frozen.get(name), first.folder.name)
            chain.append(one)
            needed |= one.lineage.inputs
    return LineageSummary(tuple(chain))


def _ancestor(run: Run, step: str, fingerprint: str, frozen: Lineage | None, version: str) -> Ancestor:
    """A step that a manifest was made from when it had this fingerprint."""
    if frozen is None:
        there = run.lineage(step)
        return Ancestor(there.lineage, there, note="" if _was(there, fingerprint) else _other(there, fingerprint))
    now = run.lineage(step) if step in steps_begun(run.folder) else None
    if now is not None and _was(now, frozen.fingerprint):
        return Ancestor(frozen, now, version)
    told = f"the run now has another one: {now.lineage.fingerprint}" if now is not None else "the run has none any more"
    return Ancestor(frozen, None, version, told)


def _was(there: Manifest | Draft, fingerprint: str) -> bool:
    """Whether it has this fingerprint, or had it before it grew."""
    return fingerprint in (there.lineage.fingerprint, *(state.fingerprint for state in there.grown))


def _other(there: Manifest | Draft, fingerprint: str) -> str:
    return f"another one than the {fingerprint} that was read: {there.folder.name} was made anew with other settings"


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
