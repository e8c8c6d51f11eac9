"""Manifest: a committed folder of shards. Draft: one being made.

A draft writes `_plan.json` first, then whole shards in any order and from any process, and
`_lineage.json` last. That last file is the commit: without it the folder is not a manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from manifests.counts import Counts
from manifests.errors import NotCommitted, Refused, Unbalanced
from manifests.lineage import Lineage
from manifests.shard import SUFFIX, Receipt, read_receipt
from manifests.storage import Folder

PLAN = "_plan.json"
COMMIT = "_lineage.json"
NO_COUNTS = Counts()


@dataclass(frozen=True)
class Manifest:
    """A committed manifest; its shards are read a column and a batch at a time."""

    folder: Folder
    lineage: Lineage
    shards: tuple[Receipt, ...]

    @staticmethod
    def open(folder: Folder) -> Manifest:
        """Open a committed manifest.

        Raises NotCommitted where there is no commit, Refused where a shard is missing or not of the
        size the commit states.
        """
        if not folder.has(COMMIT):
            raise NotCommitted(f"{folder.url} holds no finished manifest; `blindpairs run` makes it")
        value = json.loads(folder.read(COMMIT))
        manifest = Manifest(
            folder, Lineage.from_json(value["lineage"]), tuple(Receipt.from_json(one) for one in value["shards"])
        )
        manifest._check_whole()
        return manifest

    @property
    def counts(self) -> Counts:
        return sum((shard.counts for shard in self.shards), NO_COUNTS)

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    @cached_property
    def columns(self) -> list[str]:
        """The names of its columns; none where there is no shard."""
        if not self.shards:
            return []
        with self.folder.open(self.shards[0].name + SUFFIX) as file:
            return list(pq.read_schema(file).names)

    @cached_property
    def by_name(self) -> Mapping[str, Receipt]:
        """Shard name -> its receipt."""
        return {shard.name: shard for shard in self.shards}

    def read(self, shard: str, columns: Sequence[str] | None = None) -> pa.Table:
        """One shard as a table; page checksums are verified."""
        with self.folder.open(shard + SUFFIX) as file:
            return pq.read_table(file, columns=columns and list(columns), page_checksum_verification=True)

    def batches(self, columns: Sequence[str], rows: int = 65536) -> Iterator[pa.RecordBatch]:
        """Every row of every shard, in order, at most `rows` at a time: memory does not grow with the manifest."""
        for shard in self.shards:
            with self.folder.open(shard.name + SUFFIX) as file:
                parquet = pq.ParquetFile(file, page_checksum_verification=True)
                yield from parquet.iter_batches(rows, columns=list(columns))

    def _check_whole(self) -> None:
        sizes = self.folder.sizes()
        for shard in self.shards:
            if sizes.get(shard.name + SUFFIX) != shard.bytes:
                raise Refused(
                    f"{self.folder.url}/{shard.name}{SUFFIX} should have {shard.bytes} bytes and has "
                    f"{sizes.get(shard.name + SUFFIX, 'vanished')}: it was changed after its commit; "
                    f"remove the folder {self.folder.url} to make it again"
                )


@dataclass(frozen=True)
class Draft:
    """A manifest being made: its lineage is settled, its tasks are planned, some shards may be there."""

    folder: Folder
    lineage: Lineage
    tasks: tuple[Mapping[str, Any], ...]  # plain JSON; each has a "name", which is its shard's

    @staticmethod
    def planned(folder: Folder) -> Draft | None:
        """The draft that was begun here and not committed, or None."""
        if not folder.has(PLAN):
            return None
        value = json.loads(folder.read(PLAN))
        return Draft(folder, Lineage.from_json(value["lineage"]), tuple(value["tasks"]))

    @staticmethod
    def begin(folder: Folder, lineage: Lineage, tasks: Sequence[Mapping[str, Any]]) -> Draft:
        """Write the plan, the first file of a manifest. Raises Refused where other Parquet files lie there."""
        names = [task["name"] for task in tasks]
        if len(set(names)) != len(names):
            raise ValueError(f"{lineage.step}: two tasks of one name")
        if foreign := [name for name in folder.sizes() if name.endswith(SUFFIX)]:
            raise Refused(
                f"{folder.url} already holds {foreign[0]}, which no plan of this project explains; name another run"
            )
        value = {"lineage": lineage.to_json(), "fingerprint": lineage.fingerprint, "tasks": list(tasks)}
        folder.write(PLAN, _json(value))
        return Draft(folder, lineage, tuple(tasks))

    def missing(self) -> list[Mapping[str, Any]]:
        """The tasks whose shard is not there yet."""
        there = self.folder.sizes()
        return [task for task in self.tasks if task["name"] + SUFFIX not in there]

    def commit(
        self,
        receipts: Mapping[str, Receipt],
        *,
        expected: int | None = None,
        made_with: Mapping[str, str] | None = None,
    ) -> Manifest:
        """Check every shard and write `_lineage.json`, the last file.

        `receipts` are those at hand (the others are read from the shards' footers); `expected` is how
        many things must have been seen in all; `made_with` (versions of libraries) is recorded, not
        compared. Raises Unbalanced where a count does not add up or a key occurs twice.
        """
        names = [task["name"] for task in self.tasks]
        self._check_names(names)
        shards = tuple(receipts.get(name) or read_receipt(self.folder, name) for name in names)
        manifest = Manifest(self.folder, self.lineage, shards)
        manifest.counts.check(self.folder.url)
        if expected is not None and manifest.counts.seen != expected:
            raise Unbalanced(f"{self.folder.url}: {manifest.counts.seen} seen, {expected} expected; not committed")
        _check_keys(manifest)
        self.folder.write(COMMIT, _json(_commit_value(manifest) | {"made_with": dict(made_with or {})}))
        return manifest

    def _check_names(self, names: Sequence[str]) -> None:
        there = {name.removesuffix(SUFFIX) for name in self.folder.sizes() if name.endswith(SUFFIX)}
        if there != set(names):
            odd = sorted(there ^ set(names))[0]
            raise Unbalanced(f"{self.folder.url}: the shard {odd} is missing or was never planned; not committed")


def _check_keys(manifest: Manifest) -> None:
    """Raise Unbalanced where an image_id occurs twice in a table whose key it is; 16 bytes an image."""
    if not manifest.lineage.table.startswith("images "):
        return  # the others are made from it one to one, or pair by pair from tiles that do not overlap
    ids = [np.array(batch.column(0).to_pylist(), dtype="S32") for batch in manifest.batches(("image_id",))]
    every = np.sort(np.concatenate(ids)) if ids else np.zeros(0, dtype="S32")
    if len(twice := every[1:][every[1:] == every[:-1]]):
        raise Unbalanced(_named_twice(manifest, twice[0].decode()))


def _named_twice(manifest: Manifest, image_id: str) -> str:
    places = [
        f"{shard.name} ({key})"
        for shard in manifest.shards
        for name, key in zip(*manifest.read(shard.name, ["image_id", "key"]).to_pydict().values(), strict=True)
        if name == image_id
    ]
    return (
        f"{manifest.folder.url}: two images have one identity, in {' and '.join(places)}; if the tars of a source "
        "use the same member names, set keys_repeat: true for it, under a new run name"
    )


def _commit_value(manifest: Manifest) -> dict[str, Any]:
    return {
        "fingerprint": manifest.lineage.fingerprint,
        "lineage": manifest.lineage.to_json(),
        "counts": manifest.counts.to_json(),
        "shards": [shard.to_json() for shard in manifest.shards],
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
