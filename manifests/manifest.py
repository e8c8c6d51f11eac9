"""Manifest: a committed folder of shards, read a column and a batch at a time.

`_lineage.json` is the commit (draft.py writes it, last): without it the folder is not a manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.counts import Counts
from manifests.damage import REPAIR
from manifests.digests import Stated
from manifests.earlier_tables import current_names, named_as_now, stored_names
from manifests.errors import NotCommitted, Refused
from manifests.lineage import Lineage
from manifests.parsing import parse_json
from manifests.shard import Receipt, changed, read_batches, read_names, read_rows, read_shard
from manifests.storage import Folder

T = TypeVar("T")

COMMIT = "_lineage.json"
NO_COUNTS = Counts()


@dataclass(frozen=True)
class Earlier:
    """A manifest before it grew: how many of its first shards it had, and its fingerprint and content then."""

    shards: int
    fingerprint: str
    content: str

    def to_json(self) -> dict[str, Any]:
        return {"shards": self.shards, "fingerprint": self.fingerprint, "content": self.content}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Earlier:
        return Earlier(value["shards"], value["fingerprint"], value["content"])


@dataclass(frozen=True)
class Removed:
    """A removal of images: when (UTC), how many rows of this manifest were removed, and why. Never which ones."""

    at: str
    why: str
    rows: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"at": self.at, "rows": self.rows, "why": self.why}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Removed:
        return Removed(value["at"], value["why"], value["rows"])


@dataclass(frozen=True)
class Manifest:
    """A committed manifest; its shards are read a column and a batch at a time."""

    folder: Folder
    lineage: Lineage
    shards: tuple[Receipt, ...]
    made_of: Mapping[str, str] = field(default_factory=dict)  # step -> content of the manifests it was made from
    grown: tuple[Earlier, ...] = ()  # its committed states before this one, in order
    stated: str | None = field(default=None, compare=False)  # its content, as the commit states it
    removed: tuple[Removed, ...] = field(default=(), compare=False)  # what was removed from it, in order
    _compared: dict[str, Stated] = field(default_factory=dict, init=False, compare=False, repr=False)

    @staticmethod
    def open(folder: Folder) -> Manifest:
        """Open a committed manifest.

        Raises NotCommitted if there is no commit, Refused if it cannot be read or a shard is gone or of another size.
        """
        manifest = Manifest.stated_in(folder)
        if odd := changed(folder, manifest.shards):
            raise Refused(f"{odd} after its commit; put the old file back, or {REPAIR} to make it again")
        return manifest

    @staticmethod
    def stated_in(folder: Folder) -> Manifest:
        """Read a commit without a look at its shards. Raises NotCommitted or Refused as `open` does."""
        if not folder.has(COMMIT):
            raise NotCommitted(f"{folder.url} holds no finished manifest; `blindpairs run` makes it, or `evaluate`")
        return parsed(folder, COMMIT, lambda value: _manifest(folder, value))

    @property
    def counts(self) -> Counts:
        return sum((shard.counts for shard in self.shards), NO_COUNTS)

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    @cached_property
    def computed(self) -> Mapping[str, int]:
        """Precision and device -> how many shards were computed so, where that changes the last digits."""
        told = Counter(shard.computed or "a way not told" for shard in self.shards)
        return told if any(shard.computed for shard in self.shards) else {}

    @cached_property
    def content(self) -> str:
        """16 hex digits that change with any of its shards' receipts: what a later manifest was made from."""
        return self.stated or content_of(self.shards)

    def content_at(self, fingerprint: str) -> str | None:
        """Return its content under this fingerprint, now or before it grew; None if it never had this fingerprint."""
        if fingerprint == self.lineage.fingerprint:
            return self.content
        return next((state.content for state in self.grown if state.fingerprint == fingerprint), None)

    def at(self, fingerprint: str) -> Manifest:
        """Return the manifest with the shards it had under this fingerprint; itself if it never had it."""
        shards = next((state.shards for state in self.grown if state.fingerprint == fingerprint), None)
        return self if shards is None else replace(self, shards=self.shards[:shards], stated=None)

    @cached_property
    def columns(self) -> list[str]:
        """The names of its columns; empty if there is no shard."""
        return current_names(self.lineage.table, read_names(self.folder, self.shards[0].name)) if self.shards else []

    @cached_property
    def by_name(self) -> Mapping[str, Receipt]:
        """Shard name -> its receipt."""
        return {shard.name: shard for shard in self.shards}

    def read(self, shard: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read one shard as a table. Raises Damaged if its rows are not those that were committed."""
        table = read_shard(
            self.folder, shard, columns and stored_names(self.lineage.table, columns), self._stated(shard)
        )
        return named_as_now(self.lineage.table, table)

    def read_rows(self, shard: str, columns: Sequence[str], rows: NDArray[np.int64]) -> pa.Table:
        """Read these rows of one shard, by their numbers in it, ascending. Raises Damaged as `read` does."""
        table = read_rows(self.folder, shard, stored_names(self.lineage.table, columns), rows, self._stated(shard))
        return named_as_now(self.lineage.table, table)

    def batches(self, columns: Sequence[str], rows: int = 65536) -> Iterator[pa.RecordBatch]:
        """Yield every row of every shard, in order, at most `rows` at a time: memory does not grow with the manifest.

        Raises Damaged as `read` does.
        """
        for shard in self.shards:
            yield from self.batches_of(shard.name, columns, rows)

    def batches_of(self, shard: str, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield every row of one shard, as `batches` does."""
        for batch in read_batches(
            self.folder, shard, stored_names(self.lineage.table, columns), rows, self._stated(shard)
        ):
            yield named_as_now(self.lineage.table, batch)

    def _stated(self, shard: str) -> Stated | None:
        if shard in self.by_name and shard not in self._compared:
            self._compared[shard] = Stated(self.by_name[shard].digest)
        return self._compared.get(shard)


def parsed(folder: Folder, name: str, parse: Callable[[Any], T]) -> T:
    """Read and parse one of this project's own files. Raises Refused if this version would not have written it so."""
    try:
        return parse(parse_json(folder.read(name)))
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"{folder.url}/{name} does not read ({type(error).__name__}: {error}): it was changed, or another version "
            f"wrote it; name another run, or remove the folder {folder.url} to make it again"
        ) from error


def json_bytes(value: Any) -> bytes:
    """Encode `value` as this project writes JSON: the same bytes for the same value."""
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _manifest(folder: Folder, value: Any) -> Manifest:
    shards = tuple(map(Receipt.from_json, value["shards"]))
    # commits from before manifests could grow state neither how they grew nor their content
    grown = tuple(map(Earlier.from_json, value.get("grown", ())))
    removed = tuple(map(Removed.from_json, value.get("removed", ())))
    lineage = Lineage.from_json(value["lineage"])
    return Manifest(folder, lineage, shards, value["made_of"], grown, value.get("content"), removed)


def content_of(shards: Sequence[Receipt]) -> str:
    """Return the `Manifest.content` of these shards; ten thousand take a second."""
    return hashlib.sha256(json_bytes([shard.to_json() for shard in shards])).hexdigest()[:16]
