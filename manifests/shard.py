"""Shard: one Parquet file of a manifest, written in parts, whole or absent, with its counts in its footer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.counts import Counts
from manifests.schema import Schema
from manifests.storage import Folder

SUFFIX = ".parquet"
COUNTS = b"counts"


@dataclass(frozen=True)
class Part:
    """Some rows of a shard and what they are the outcome of; a shard may come in many parts."""

    table: pa.Table
    counts: Counts


@dataclass(frozen=True)
class Receipt:
    """What a task leaves behind: the shard's name, its size, and its counts. Travels instead of data."""

    name: str
    rows: int
    bytes: int
    counts: Counts

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "rows": self.rows, "bytes": self.bytes, "counts": self.counts.to_json()}

    @staticmethod
    def from_json(value: dict[str, Any]) -> Receipt:
        return Receipt(value["name"], value["rows"], value["bytes"], Counts.from_json(value["counts"]))


def write_shard(
    folder: Folder, name: str, schema: Schema, parts: Iterable[Part], accept: Callable[[Counts], None] = lambda _: None
) -> Receipt:
    """Write `parts` as `name`.parquet in `folder`; nothing appears there until the file is whole.

    The same parts give the same bytes. `accept` may raise to refuse the whole.
    Raises ValueError where a part does not conform to `schema`, Unbalanced where
    `seen = ok + rejected` does not hold, OSError where the disk does not take it.
    """
    with folder.aside(name + SUFFIX) as path:
        rows, counts = _write(path, schema, parts)
        counts.check(f"{folder.url}/{name}")
        accept(counts)
        size = path.stat().st_size
    return Receipt(name, rows, size, counts)


def read_receipt(folder: Folder, name: str) -> Receipt:
    """The receipt of a shard that is already there, from its footer alone."""
    with folder.open(name + SUFFIX) as file:
        footer = pq.read_metadata(file)
        size = file.seek(0, 2)
    counts = Counts.from_json(json.loads(footer.metadata[COUNTS]))
    return Receipt(name, footer.num_rows, size, counts)


def _write(path: Path, schema: Schema, parts: Iterable[Part]) -> tuple[int, Counts]:
    rows, counts = 0, Counts()
    with pq.ParquetWriter(path, schema.stamped(), **_layout(schema)) as writer:
        for part in parts:
            rows, counts = rows + part.table.num_rows, counts + part.counts
            if part.table.num_rows:
                writer.write_table(schema.conform(part.table))
        writer.add_key_value_metadata({COUNTS.decode(): json.dumps(counts.to_json(), sort_keys=True)})
    return rows, counts


def _layout(schema: Schema) -> dict[str, Any]:
    """zstd for what compresses; vectors are stored plain, for they do not."""
    vectors = [f.name for f in schema.columns if pa.types.is_fixed_size_list(f.type)]
    words = [f.name for f in schema.columns if pa.types.is_string(f.type) and f.name not in schema.key]
    leaves = [f"{f.name}.list.element" if f.name in vectors else f.name for f in schema.columns]
    return {
        "compression": {leaf: "none" if leaf.endswith(".list.element") else "zstd" for leaf in leaves},
        "use_dictionary": words,
        "write_page_checksum": True,
    }
