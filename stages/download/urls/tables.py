"""Tables of URLs: Parquet by row groups, CSV, TSV and JSON-lines by stretches of text; never a complete one in memory.

Reading can begin at any row that a `Lot` names: in Parquet by the row's number, in text by its first byte. A TSV
is plain: tabs separate fields, and quotes have no special meaning (texts.py).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from manifests.errors import Refused
from manifests.stores.faults import Unreachable
from manifests.stores.places import is_local
from stages import images
from stages.download.urls.columns import NUMBERS, URL
from stages.download.urls.texts import Row, columns_of, text_rows

ENDINGS = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson")
LOT_ROWS = 1 << 16


@dataclass(frozen=True)
class Lot:
    """Contiguous rows, in columns of ours, and (n,) where each begins."""

    rows: pa.Table
    starts: NDArray[np.int64]


def names(uri: str) -> list[str]:
    """Return a table's columns. Raises Refused if it cannot be read as its ending says, or two have the same name."""
    with _told(uri), images.opened(uri) as file:
        if uri.endswith(".parquet"):
            found = list(pq.ParquetFile(file, pre_buffer=not is_local(uri)).schema_arrow.names)
        else:
            found = columns_of(uri, file)
    if not found:
        raise Refused(f"{uri} holds no row")
    if twice := [name for name, count in Counter(found).items() if name and count > 1]:
        raise Refused(f"{uri}: two columns are called {twice[0]}; rename one, or leave it out")
    return found


def lots(uri: str, columns: Mapping[str, str], start: int = 0) -> Iterator[Lot]:
    """Yield the rows from `start` on, in columns of ours (`columns`: ours -> the table's).

    Numbers are float64, all else strings; values that do not fit are null. Raises Refused if the table cannot
    be read, Unreachable if it is in a store that failed.
    """
    with _told(uri), images.opened(uri, ahead=not uri.endswith(".parquet")) as file:
        if uri.endswith(".parquet"):
            parquet = pq.ParquetFile(file, pre_buffer=not is_local(uri))
            _check_urls(uri, parquet.schema_arrow, columns)
            yield from _parquet_lots(parquet, columns, start)
            return
        yield from _text_lots(text_rows(uri, file, start), columns)


def _check_urls(uri: str, schema: pa.Schema, columns: Mapping[str, str]) -> None:
    name = columns.get(URL)
    if name in schema.names and pa.types.is_nested(kind := schema.field(name).type):
        raise Refused(f"{uri}: its column {name} is {kind}, no text; say which holds the URLs, columns: {{url: NAME}}")


def _parquet_lots(parquet: pq.ParquetFile, columns: Mapping[str, str], start: int) -> Iterator[Lot]:
    ends = np.cumsum([parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)])
    group = int(np.searchsorted(ends, start, side="right"))
    row = int(ends[group - 1]) if group else 0
    wanted = list(dict.fromkeys(columns.values()))
    for batch in parquet.iter_batches(LOT_ROWS, row_groups=list(range(group, len(ends))), columns=wanted):
        skipped = min(max(start - row, 0), batch.num_rows)
        rest = batch.slice(skipped)
        row += batch.num_rows
        if rest.num_rows:
            read = pa.table({ours: _fitted(ours, rest.column(theirs)) for ours, theirs in columns.items()})
            yield Lot(read, np.arange(row - rest.num_rows, row))


def _fitted(name: str, values: pa.Array) -> pa.Array:
    """Return a column as float64 or string; the values that do not fit are null."""
    if name in NUMBERS and (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        return values.cast(pa.float64(), safe=False)
    if name not in NUMBERS and pa.types.is_string(values.type) and _is_sound(values):
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
    return _column(name, _plain(values))


def _is_sound(values: pa.Array) -> bool:
    """Return whether all strings are UTF-8; Parquet writers need not check it."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _plain(values: pa.Array) -> Iterator[Any]:
    """Yield each value as a Python value; in strings and bytes, anything that is not UTF-8 is replaced."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if _is_text(values.type) and not _is_sound(values):
        values = values.cast(pa.large_binary())
    for value in values.to_pylist():
        yield value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _column(name: str, values: Iterable[Any]) -> pa.Array:
    if name in NUMBERS:
        return pa.array([_number(value) for value in values], pa.float64())
    return pa.array([_string(value) for value in values], pa.string())


def _text_lots(rows: Iterator[tuple[Row, int]], columns: Mapping[str, str]) -> Iterator[Lot]:
    lot: list[tuple[Row, int]] = []
    for row in rows:
        lot.append(row)
        if len(lot) == LOT_ROWS:
            yield _text_lot(lot, columns)
            lot = []
    if lot:
        yield _text_lot(lot, columns)


def _text_lot(lot: list[tuple[Row, int]], columns: Mapping[str, str]) -> Lot:
    table = pa.table({ours: _column(ours, [row.get(theirs) for row, _ in lot]) for ours, theirs in columns.items()})
    return Lot(table, np.array([start for _, start in lot], np.int64))


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn what a reader raises for a broken table into Refused; a store's failure is raised unchanged."""
    try:
        yield
    except (Unreachable, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError, csv.Error) as error:
        raise Refused(f"{uri} cannot be read as a table: {' '.join(str(error).split())[:200]}") from error


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _string(value: Any) -> str | None:
    if value is None or value == "" or value != value or isinstance(value, (dict, list)):
        return None
    return str(value).encode("utf-8", "replace").decode()
