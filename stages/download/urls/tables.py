"""Tables of URLs: Parquet by row groups, CSV, TSV and JSON-lines by stretches of text; never a whole one in memory.

Reading can begin at any row that a `Lot` names: in Parquet by the row's number, in text by its first byte.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from manifests.errors import Refused
from manifests.stores.faults import Unreachable
from manifests.stores.places import is_local
from stages import images
from stages.download.urls.columns import NUMBERS

ENDINGS = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson")
LOT_ROWS = 1 << 16
MOST_FIELD = 1 << 24  # characters in one field of a text; csv's own bound is 131,072
Row = dict[str, Any]


@dataclass(frozen=True)
class Lot:
    """Rows that lie together, in columns of ours, and (n,) where each begins."""

    rows: pa.Table
    starts: NDArray[np.int64]


def names(uri: str) -> list[str]:
    """The columns of a table. Raises Refused where it does not read as what its ending says."""
    with _told(uri), images.opened(uri) as file:
        if uri.endswith(".parquet"):
            return list(pq.ParquetFile(file, pre_buffer=not is_local(uri)).schema_arrow.names)
        first = next(_text_rows(uri, file, 0), None)
    if first is None:
        raise Refused(f"{uri} holds no row")
    return list(first[0])


def lots(uri: str, columns: Mapping[str, str], start: int = 0) -> Iterator[Lot]:
    """The rows from `start` on, in columns of ours (`columns`: ours -> the table's).

    Numbers are float64, all else strings; what does not fit is null. Raises Refused where the table does not
    read, Unreachable where it lies in a store that failed.
    """
    with _told(uri), images.opened(uri, ahead=not uri.endswith(".parquet")) as file:
        if uri.endswith(".parquet"):
            yield from _parquet_lots(pq.ParquetFile(file, pre_buffer=not is_local(uri)), columns, start)
            return
        yield from _text_lots(_text_rows(uri, file, start), columns)


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
    """A column as float64 or string; the values that do not fit are null."""
    if name in NUMBERS and (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        return values.cast(pa.float64(), safe=False)
    if name not in NUMBERS and pa.types.is_string(values.type):
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
    return _column(name, values.to_pylist())


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


def _text_rows(uri: str, file: IO[bytes], start: int) -> Iterator[tuple[Row, int]]:
    """Rows with the byte each begins at."""
    if uri.endswith((".csv", ".tsv")):
        return _csv_rows(uri, file, start, "\t" if uri.endswith(".tsv") else ",")
    return _json_rows(uri, file, start)


class _Lines:
    """Lines of a text from a byte on, and how many bytes were read; csv asks for as many as a row has."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        file.seek(start)
        self._lines, self.at = io.BufferedReader(_Raw(file), 1 << 20), start

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            text, first = line.decode("utf-8", "replace"), self.at == 0
            self.at += len(line)
            yield text.removeprefix("\ufeff") if first else text  # a byte order mark


class _Raw(io.RawIOBase):
    """A file as io.BufferedReader wants it."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _csv_rows(uri: str, file: IO[bytes], start: int, delimiter: str) -> Iterator[tuple[Row, int]]:
    csv.field_size_limit(MOST_FIELD)
    head_lines = _Lines(file, 0)
    head = next(csv.reader(head_lines, delimiter=delimiter), None)
    if head is None:
        return
    lines = _Lines(file, max(start, head_lines.at))
    begins = lines.at
    for row in csv.reader(lines, delimiter=delimiter):
        if row:
            yield dict(zip(head, row, strict=False)), begins
        begins = lines.at


def _json_rows(uri: str, file: IO[bytes], start: int) -> Iterator[tuple[Row, int]]:
    lines = _Lines(file, start)
    begins = start
    for line in lines:
        if line.strip():
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError(f"the line at byte {begins} is no JSON object")
            yield value, begins
        begins = lines.at


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turns what a broken table makes its reader raise into Refused; a store's failure stays what it is."""
    try:
        yield
    except (Unreachable, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError, csv.Error, RecursionError) as error:
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
