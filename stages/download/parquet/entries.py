"""Entries: the rows of a Parquet file of images, a few at a time, and whose fault it is when reading fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.errors import Refused
from manifests.stores.faults import Unreachable
from stages import images
from stages import parquet_bytes as cells
from stages.download.parquet.layout import Layout, value_of

MOST = 4096  # rows at once, however small their images


@dataclass(frozen=True)
class Entry:
    """One row of a file; `values` are keyed by the spellings of row.py."""

    row: int
    data: bytes | None
    path: str | None
    values: Mapping[str, Any]


def entries_of(parquet: pq.ParquetFile, layout: Layout, group: int, rows: range) -> Iterator[Entry]:
    """Yield a row group's rows, decoding as many at once as their images allow; only one at a time becomes `bytes`."""
    facts, first = parquet.metadata.row_group(group), rows.start
    sizes = {facts.column(number).path_in_schema: facts.column(number) for number in range(facts.num_columns)}
    count = cells.rows_at_once(len(rows), sizes[layout.image].total_uncompressed_size)
    how = {"row_groups": [group], "columns": layout.columns, "use_threads": False}
    for batch in parquet.iter_batches(min(count, MOST), **how):
        data = _column(batch, layout.image)
        known = {path: _values(_column(batch, path)) for path in (*layout.fields.values(), layout.path) if path}
        for at in range(batch.num_rows):
            values = {name: value_of(layout, name, known[path][at]) for name, path in layout.fields.items()}
            path = known[layout.path][at] if layout.path else None
            yield Entry(first + at, data[at].as_py(), path or None, values)
        first += batch.num_rows


def _column(batch: pa.RecordBatch, path: str) -> pa.Array:
    """Return a column, or one nested inside structs."""
    names = [path] if path in batch.schema.names else path.split(".")
    values = batch.column(names[0])
    for name in names[1:]:
        values = pc.struct_field(values, [values.type.get_field_index(name)])
    return values


def _values(column: pa.Array) -> list[Any]:
    """Return a column as Python values; text that is not UTF-8 is decoded as far as possible."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return [value and value.decode("utf-8", "replace") for value in column.cast(pa.binary()).to_pylist()]


@contextmanager
def opened_table(uri: str) -> Iterator[pq.ParquetFile]:
    """Open the Parquet file at `uri`. Raises Unreachable, and Refused if it cannot be read as Parquet."""
    try:
        with images.opened(uri) as file:
            yield cells.parquet(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise_if_not_the_files(error)
        raise Refused(f"{uri} cannot be read as Parquet: {reason_of(error)}; download it again") from error


def raise_if_not_the_files(error: Exception) -> None:
    """Raise an error that says nothing about the file: a failure of the store or of the machine."""
    if isinstance(error, (Unreachable, MemoryError)) or getattr(error, "errno", None) in images.OF_THE_MACHINE:
        raise error


def reason_of(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())
