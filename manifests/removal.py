"""Removal: a step's folder while rows are removed from it, read and rewritten as plain JSON.

`Manifest.open` would refuse it during that time, because its shards do not have the sizes its commit states. The
commit is kept until it is replaced, so that everything can be repeated after a kill. The fingerprint is kept, too:
settings and sources did not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.counts import Counts
from manifests.draft import PLAN, Draft
from manifests.layout import holds_vectors
from manifests.manifest import COMMIT, Removed, content_of, json_bytes, parsed
from manifests.parts import regrouped
from manifests.schema import Schema
from manifests.shard import (
    GROUP_ROWS,
    SUFFIX,
    Part,
    Receipt,
    read_batches,
    read_names,
    read_receipt,
    write_shard,
)
from manifests.storage import Folder

Json = dict[str, Any]
States = Mapping[str, str]  # fingerprint -> content
IDS = ("image_id", "left_id", "right_id")  # columns that identify a row
PART_ROWS = 65536  # rows per rewritten part, where rows are short


@dataclass(frozen=True)
class Held:
    """What a step's folder holds: its commit, its plan, or both."""

    folder: Folder
    commit: Json | None
    plan: Json | None

    @staticmethod
    def of(folder: Folder) -> Held | None:
        """Read what is there; None if nothing was begun. Raises Refused if one of its files cannot be read."""
        commit, plan = (parsed(folder, name, dict) if folder.has(name) else None for name in (COMMIT, PLAN))
        return None if commit is None and plan is None else Held(folder, commit, plan)

    @property
    def tasks(self) -> list[Json]:
        """The planned tasks; for a manifest without a plan, the names of its shards."""
        return list(self.plan["tasks"] if self.plan else [{"name": one.name} for one in self.stated])

    @property
    def stated(self) -> list[Receipt]:
        """The receipts that the commit states."""
        return [Receipt.from_json(one) for one in self.commit["shards"]] if self.commit else []

    @property
    def lineage(self) -> Json:
        found: Json = (self.commit or self.plan or {})["lineage"]
        return found

    def shards(self) -> list[str]:
        """Return the names of the shards that are there, in order."""
        if self.commit is not None:
            return [one.name for one in self.stated]
        there = self.folder.sizes()
        return [task["name"] for task in self.tasks if task["name"] + SUFFIX in there]

    def states(self, receipts: Sequence[Receipt] | None = None) -> dict[str, str]:
        """Return the content under each fingerprint it has or had: as stated, or from these receipts of all shards."""
        found = {}
        for value in filter(None, (self.plan, self.commit)):
            for state in value.get("grown", ()):
                counted = None if receipts is None else content_of(receipts[: state["shards"]])
                found[state["fingerprint"]] = counted or state["content"]
        if self.commit is not None:
            stated = self.commit.get("content") if receipts is None else None
            found[self.commit["fingerprint"]] = stated or content_of(receipts or self.stated)
        return found

    def receipts(self, touched: Iterable[str]) -> list[Receipt]:
        """Return the receipts of all shards, those of the touched shards as their footers state them."""
        known, again = {one.name: one for one in self.stated}, set(touched)
        return [
            known[name] if name in known and name not in again else read_receipt(self.folder, name)
            for name in self.shards()
        ]

    def put(
        self, receipts: Sequence[Receipt], was: Mapping[str, States], now: Mapping[str, States], gone: Removed | None
    ) -> None:
        """Rewrite plan and commit with these receipts and these contents of the inputs (step -> its states)."""
        own = self.states(receipts)
        if self.plan is not None:
            self.folder.write(PLAN, json_bytes(_followed(self.plan, was, now, own, gone)))
        if self.commit is not None:
            counts = sum((one.counts for one in receipts), Counts())
            value = _followed(self.commit, was, now, own, gone)
            value |= {"content": content_of(receipts), "counts": counts.to_json()}
            value["shards"] = [one.to_json() for one in receipts]
            self.folder.write(COMMIT, json_bytes(value))

    def plan_again(self, tasks: Sequence[Json]) -> None:
        """Rewrite the plan with other facts for the same tasks."""
        if self.plan is not None:
            self.folder.write(PLAN, json_bytes(self.plan | {"tasks": list(tasks)}))

    def discard(self) -> None:
        """Remove what this project wrote here. Raises Refused if other Parquet files are there."""
        if self.plan is not None and (draft := Draft.planned(self.folder)):
            draft.discard()
        for name in (COMMIT, *(one.name + SUFFIX for one in self.stated)):
            self.folder.forget(name)


def _followed(
    value: Json, was: Mapping[str, States], now: Mapping[str, States], own: States, gone: Removed | None
) -> Json:
    """Return a plan or commit with the inputs' new contents, and its own, in place of the old ones."""
    inputs, made_of = value["lineage"]["inputs"], dict(value["made_of"])
    for step, content in made_of.items():
        then = inputs.get(step, "")
        if then in now.get(step, {}) and content == was.get(step, {}).get(then):
            made_of[step] = now[step][then]
    grown = [state | {"content": own[state["fingerprint"]]} for state in value.get("grown", ())]
    told = {"removed": _told(value.get("removed", ()), gone)}
    return value | {"made_of": made_of, "grown": grown, **told}


def _told(entries: Sequence[Json], gone: Removed | None) -> list[Json]:
    """Return the entries and this one, once: a removal that is begun again after a kill is the same removal."""
    if gone is None or gone.to_json() in entries:
        return list(entries)
    return [*entries, gone.to_json()]


def batches(folder: Folder, name: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield a shard's rows in order, some at a time; `columns` None means all."""
    return read_batches(folder, name, columns or read_names(folder, name), 65536)


def put_shard(folder: Folder, name: str, parts: Iterable[Part]) -> Receipt:
    """Rewrite a shard with the same table; the old shard is kept until the new one is complete.

    The same rows give the same bytes, whatever parts they come in: a removal that is finished after a kill
    reads some shards that it has already rewritten, and splits them into other parts.
    """
    schema, computed = schema_of(folder, name), read_receipt(folder, name).computed
    rows = GROUP_ROWS if holds_vectors(schema) else PART_ROWS
    return write_shard(folder, name, schema, regrouped(parts, schema, rows), computed=computed)


def schema_of(folder: Folder, name: str) -> Schema:
    """Return the schema of a shard's table, as its file states it."""
    with folder.open(name + SUFFIX) as file:
        stated = pq.read_schema(file)
    told = stated.metadata or {}
    columns = [field.with_type(_named(field.type)).with_metadata(_said(field)) for field in stated]
    key = tuple(name for name in IDS if name in stated.names)
    return Schema(told[b"table"].decode(), int(told[b"version"]), key, pa.schema(columns))


def _said(field: pa.Field) -> dict[bytes, bytes]:
    """Return a column's metadata without the number that Parquet's reader adds."""
    return {name: value for name, value in (field.metadata or {}).items() if name != b"PARQUET:field_id"}


def _named(kind: pa.DataType) -> pa.DataType:
    """Return a list's type with our own name for its values: Parquet's reader gives them another."""
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_type, kind.list_size)
    return pa.list_(kind.value_type) if pa.types.is_list(kind) else kind
