"""Manifest: a committed folder of shards. Draft: one being made.

A draft writes `_plan.json` first, then whole shards in any order and from any process, and
`_lineage.json` last. That last file is the commit: without it the folder is not a manifest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import pyarrow as pa

from manifests.counts import Counts
from manifests.errors import NotCommitted, Refused, Unbalanced
from manifests.lineage import Lineage
from manifests.shard import SUFFIX, Receipt, check_image_ids, read_batches, read_names, read_receipt, read_shard
from manifests.storage import Folder

T = TypeVar("T")

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

        Raises NotCommitted where there is no commit, Refused where the commit does not read, or a shard
        is missing or not of the size the commit states.
        """
        if not folder.has(COMMIT):
            raise NotCommitted(f"{folder.url} holds no finished manifest; `blindpairs run` makes it")
        lineage, shards = _parsed(
            folder,
            COMMIT,
            lambda value: (Lineage.from_json(value["lineage"]), tuple(map(Receipt.from_json, value["shards"]))),
        )
        if odd := _changed(folder, shards):
            raise Refused(f"{odd} after its commit; remove the folder {folder.url} to make it again")
        return Manifest(folder, lineage, shards)

    @property
    def counts(self) -> Counts:
        return sum((shard.counts for shard in self.shards), NO_COUNTS)

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    @cached_property
    def columns(self) -> list[str]:
        """The names of its columns; none where there is no shard."""
        return read_names(self.folder, self.shards[0].name) if self.shards else []

    @cached_property
    def by_name(self) -> Mapping[str, Receipt]:
        """Shard name -> its receipt."""
        return {shard.name: shard for shard in self.shards}

    def read(self, shard: str, columns: Sequence[str] | None = None) -> pa.Table:
        """One shard as a table. Page checksums are verified: raises Damaged where its bytes have changed."""
        return read_shard(self.folder, shard, columns)

    def batches(self, columns: Sequence[str], rows: int = 65536) -> Iterator[pa.RecordBatch]:
        """Every row of every shard, in order, at most `rows` at a time: memory does not grow with the manifest.

        Raises Damaged as `read` does.
        """
        for shard in self.shards:
            yield from read_batches(self.folder, shard.name, columns, rows)


@dataclass(frozen=True)
class Draft:
    """A manifest being made: its lineage is settled, its tasks are planned, some shards may be there."""

    folder: Folder
    lineage: Lineage
    tasks: tuple[Mapping[str, Any], ...]  # plain JSON; each has a "name", which is its shard's

    @staticmethod
    def planned(folder: Folder) -> Draft | None:
        """The draft that was begun here and not committed, or None. Raises Refused where the plan does not read."""
        if not folder.has(PLAN):
            return None
        return _parsed(
            folder, PLAN, lambda value: Draft(folder, Lineage.from_json(value["lineage"]), tuple(value["tasks"]))
        )

    @staticmethod
    def begin(folder: Folder, lineage: Lineage, tasks: Sequence[Mapping[str, Any]]) -> Draft:
        """Write the plan, the first file of a manifest.

        Raises Refused where other Parquet files lie there, ValueError for names no shards can have.
        """
        names = [task["name"] for task in tasks]
        if len(set(names)) != len(names):
            raise ValueError(f"{lineage.step}: two tasks of one name")
        if odd := [name for name in names if "/" in name or name.startswith(("_", ".")) or not name]:
            raise ValueError(f"{lineage.step}: a shard called {odd[0]!r} would be hidden from other readers")
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
        compared. Raises Unbalanced where a shard is missing, was never planned, is not of the size its
        receipt states, where a count does not add up, or where an image has two rows; Damaged where a
        footer does not read.
        """
        names = [task["name"] for task in self.tasks]
        self._check_names(names)
        shards = tuple(receipts.get(name) or read_receipt(self.folder, name) for name in names)
        if odd := _changed(self.folder, shards):
            raise Unbalanced(f"{odd} while the manifest was made; remove the file, the next run makes it again")
        for shard in shards:
            shard.counts.check(f"{self.folder.url}/{shard.name}")
        manifest = Manifest(self.folder, self.lineage, shards)
        if expected is not None and manifest.counts.seen != expected:
            raise Unbalanced(f"{self.folder.url}: {manifest.counts.seen} seen, {expected} expected; not committed")
        if self.lineage.table.startswith("images "):
            # the others are made from it one to one, or pair by pair from tiles that do not overlap
            check_image_ids(self.folder, shards)
        self.folder.write(COMMIT, _json(_commit_value(manifest) | {"made_with": dict(made_with or {})}))
        return manifest

    def _check_names(self, names: Sequence[str]) -> None:
        there = {name.removesuffix(SUFFIX) for name in self.folder.sizes() if name.endswith(SUFFIX)}
        if there != set(names):
            odd = sorted(there ^ set(names))[0]
            raise Unbalanced(f"{self.folder.url}: the shard {odd} is missing or was never planned; not committed")


def _changed(folder: Folder, shards: Sequence[Receipt]) -> str | None:
    """The start of a sentence on the first shard whose file is gone or not of its size; None if all are."""
    sizes = folder.sizes()
    for shard in shards:
        there = sizes.get(shard.name + SUFFIX, "vanished")
        if there != shard.bytes:
            return f"{folder.url}/{shard.name}{SUFFIX} should have {shard.bytes} bytes and has {there}: it was changed"
    return None


def _parsed(folder: Folder, name: str, parse: Callable[[Any], T]) -> T:
    """What a file of this project's own says. Raises Refused where it says it otherwise than this version does."""
    try:
        return parse(json.loads(folder.read(name)))
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"{folder.url}/{name} does not read ({type(error).__name__}: {error}): it was changed, or another version "
            f"wrote it; name another run, or remove the folder {folder.url} to make it again"
        ) from error


def _commit_value(manifest: Manifest) -> dict[str, Any]:
    return {
        "fingerprint": manifest.lineage.fingerprint,
        "lineage": manifest.lineage.to_json(),
        "counts": manifest.counts.to_json(),
        "shards": [shard.to_json() for shard in manifest.shards],
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
