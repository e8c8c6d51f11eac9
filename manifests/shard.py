"""Shard: one Parquet file of a manifest, written in parts, whole or absent, with its counts in its footer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from manifests.counts import Counts
from manifests.errors import Damaged
from manifests.parsing import parse_json
from manifests.schema import Schema
from manifests.storage import Folder

SUFFIX = ".parquet"
COUNTS, COMPUTED = b"counts", b"computed"  # in a footer
GROUPS = 4  # row groups read at once: of many only the rows asked for are kept
GROUP_ROWS = 256  # rows of whole vectors that are read together: a reader of a few rows reads no whole shard


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
    computed: str = ""  # how finely and on what, where that moves the last digits: "float32 on CPU"

    def to_json(self) -> dict[str, Any]:
        computed = {"computed": self.computed} if self.computed else {}
        return {"name": self.name, "rows": self.rows, "bytes": self.bytes, "counts": self.counts.to_json(), **computed}

    @staticmethod
    def from_json(value: dict[str, Any]) -> Receipt:
        return Receipt(**{**value, "counts": Counts.from_json(value["counts"])})


def write_shard(
    folder: Folder,
    name: str,
    schema: Schema,
    parts: Iterable[Part],
    accept: Callable[[Counts], None] = lambda _: None,
    computed: str = "",
) -> Receipt:
    """Write `parts` as `name`.parquet in `folder`; nothing appears there until the file is whole.

    The same parts give the same bytes. `accept` may raise to refuse the whole; `computed` goes into the footer.
    Raises ValueError where a part does not conform to `schema`, Unbalanced where
    `seen = ok + rejected` does not hold, OSError where the disk does not take it.
    """
    with folder.aside(name + SUFFIX) as path:
        rows, counts = _write(path, schema, parts, computed)
        counts.check(f"{folder.url}/{name}")
        accept(counts)
        size = path.stat().st_size
    return Receipt(name, rows, size, counts, computed)


def read_receipt(folder: Folder, name: str) -> Receipt:
    """The receipt of a shard that is already there, from its footer alone. Raises Damaged."""
    with _told(folder, name, f"remove {folder.url}/{name}{SUFFIX}"), folder.open(name + SUFFIX) as file:
        footer = pq.read_metadata(file)
        size = file.seek(0, 2)
        if COUNTS not in (footer.metadata or {}):
            raise pa.ArrowInvalid("it holds no counts, so this project did not write it")
        counts = _counts(footer.metadata[COUNTS])
        computed = footer.metadata.get(COMPUTED, b"").decode()
    return Receipt(name, footer.num_rows, size, counts, computed)


def _counts(text: bytes) -> Counts:
    """The counts as a footer states them. Raises ArrowInvalid where it states something else."""
    try:
        return Counts.from_json(parse_json(text))
    except (ValueError, KeyError, TypeError) as error:
        raise pa.ArrowInvalid(f"its counts do not read: {error}") from error


def read_shard(folder: Folder, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """One shard as a table; `columns` None means all. Raises Damaged, ValueError for an unknown column."""
    with _opened(folder, name, columns or ()) as parquet:
        return parquet.read(columns and list(columns))


def read_rows(folder: Folder, name: str, columns: Sequence[str], rows: NDArray[np.int64]) -> pa.Table:
    """These rows of one shard (ascending), of which only the row groups that hold them are read. Raises Damaged."""
    with _opened(folder, name, columns) as parquet:
        numbers = range(parquet.num_row_groups)
        sizes = np.array([parquet.metadata.row_group(group).num_rows for group in numbers], np.int64)
        ends = np.cumsum(sizes)
        of_row = np.searchsorted(ends, rows, side="right")
        touched, parts = np.unique(of_row), []
        for start in range(0, len(touched), GROUPS):
            groups = touched[start : start + GROUPS]
            here = np.isin(of_row, groups)
            before = np.concatenate([[0], np.cumsum(sizes[groups])])  # rows read ahead of each group
            places = (rows - (ends - sizes)[of_row])[here] + before[np.searchsorted(groups, of_row[here])]
            read = parquet.read_row_groups(groups.tolist(), columns=list(columns), use_threads=False)
            parts.append(read.take(places))
        return pa.concat_tables(parts or [parquet.schema_arrow.empty_table().select(list(columns))])


def read_batches(folder: Folder, name: str, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """One shard's rows in order, at most `rows` at a time. Raises Damaged, ValueError for an unknown column."""
    with _opened(folder, name, columns) as parquet:
        yield from parquet.iter_batches(rows, columns=list(columns))


def read_names(folder: Folder, name: str) -> list[str]:
    """The names of a shard's columns."""
    with _opened(folder, name) as parquet:
        return list(parquet.schema_arrow.names)


@contextmanager
def _opened(folder: Folder, name: str, columns: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    with _told(folder, name, f"remove the folder {folder.url}"), folder.open(name + SUFFIX) as file:
        # from a bucket: what lies close together comes by one request, not by one a column and row group
        parquet = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=folder.local is None)
        if unknown := [column for column in columns if column not in parquet.schema_arrow.names]:
            raise ValueError(f"{folder.url}/{name} has no column {unknown[0]}: {parquet.schema_arrow.names}")
        yield parquet


@contextmanager
def _told(folder: Folder, name: str, remedy: str) -> Iterator[None]:
    """Turns pyarrow's errors into Damaged; a missing file, a refused one or too little memory stay what they are."""
    try:
        yield
    except MemoryError:
        raise
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and (type(error) is not OSError or error.errno):
            raise  # the operating system's own; pyarrow's checksum and parse errors are bare OSErrors
        why = " ".join(str(error).split())
        raise Damaged(
            f"{folder.url}/{name}{SUFFIX} is not as it was written ({why}): the disk or a copy damaged it; "
            f"{remedy} to make it again"
        ) from error


def holds_vectors(schema: Schema) -> bool:
    """Whether its rows are long: whole vectors."""
    return any(pa.types.is_fixed_size_list(field.type) for field in schema.columns)


def _write(path: Path, schema: Schema, parts: Iterable[Part], computed: str) -> tuple[int, Counts]:
    rows, counts = 0, Counts()
    group_rows = GROUP_ROWS if holds_vectors(schema) else None
    with pq.ParquetWriter(path, schema.stamped(), **_layout(schema)) as writer:
        for part in parts:
            rows, counts = rows + part.table.num_rows, counts + part.counts
            if part.table.num_rows:
                writer.write_table(schema.conform(part.table), group_rows)
        facts = {COUNTS.decode(): json.dumps(counts.to_json(), sort_keys=True)}
        writer.add_key_value_metadata(facts | ({COMPUTED.decode(): computed} if computed else {}))
    return rows, counts


def _layout(schema: Schema) -> dict[str, Any]:
    """zstd for what compresses; vectors are stored plain, for they do not."""
    vectors = _vectors(schema)
    words = [f.name for f in schema.columns if pa.types.is_string(f.type) and f.name not in schema.key]
    leaves = [f"{f.name}.list.element" if f.name in vectors else f.name for f in schema.columns]
    return {
        "compression": {leaf: "none" if leaf.endswith(".list.element") else "zstd" for leaf in leaves},
        "use_dictionary": words,
        "write_page_checksum": True,
    }


def _vectors(schema: Schema) -> list[str]:
    return [f.name for f in schema.columns if pa.types.is_fixed_size_list(f.type) or pa.types.is_list(f.type)]
