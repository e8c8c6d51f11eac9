"""Parquet bytes: image bytes inside a column of a Parquet file, and how a row of the images table names them.

A name is `FILE#COLUMN[ROW]`, such as `/data/train-00000.parquet#image.bytes[1234]`: the column's path, and the row
counted from 0. Parquet cannot return a single value: a read decodes the rows around it (a row group, or a part of a
large one). The most recent blocks are kept, so that reading row after row, in any threads, decodes each block once.
"""

from __future__ import annotations

import errno
import os
import re
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate, islice
from threading import Lock
from typing import IO, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.stores import ranges
from manifests.stores.places import is_local, place

T = TypeVar("T")
BLOCK_BYTES = 16 << 20  # of one column decoded at once: the hub's row groups of 100 photos are smaller
KEPT_BYTES = 256 << 20  # of blocks kept by one process
KEPT_FILES = 8  # files that one process keeps open, with their footers
AHEAD = 8 << 20  # bytes of a column read at once, in one request to a store
KNOWN_S = 600  # for which a store's file is assumed to be unchanged
SHAPE = re.compile(r"(?P<file>.+)#(?P<column>[^#]+)\[(?P<row>\d{1,18})\]", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """One value of one column of one Parquet file; `row` counts from 0 through all row groups."""

    file: str
    column: str
    row: int

    def __str__(self) -> str:
        column = self.column.replace("%", "%25").replace("#", "%23")
        return f"{self.file}#{column}[{self.row}]"


def parsed(uri: str) -> Cell | None:
    """Return the cell that `uri` names; None if it names an entire file."""
    if not uri.endswith("]") or (match := SHAPE.fullmatch(uri)) is None:
        return None
    return Cell(match["file"], match["column"].replace("%23", "#").replace("%25", "%"), int(match["row"]))


def read(cell: Cell) -> bytes:
    """Read the cell's bytes; empty if the file has no such row, or null there. Safe in threads.

    Raises OSError if the file cannot be read or has no such column of bytes; Unreachable if a store failed.
    """
    table = _KEPT.table(cell.file)
    if (found := table.lying(cell)) is None:
        return b""
    value = _KEPT.block(table, found)[found.place].as_py()
    if value is not None and not isinstance(value, bytes):
        raise OSError(errno.EINVAL, f"its column {cell.column} holds no bytes", cell.file)
    return value or b""


def parquet(file: IO[bytes]) -> pq.ParquetFile:
    """Open a Parquet file so that its columns are read a stretch at a time, never an entire row group."""
    return pq.ParquetFile(file, buffer_size=AHEAD, pre_buffer=False)


def rows_at_once(rows: int, size: int) -> int:
    """Return how many of a column's `rows` rows, which take `size` bytes together, are decoded at once."""
    return max(1, min(rows, rows * BLOCK_BYTES // max(size, 1)))


@dataclass(frozen=True)
class _Lying:
    """The row group and block that contain a cell, and its place in the block."""

    column: str
    group: int
    number: int
    rows: int
    place: int


class _Table:
    """One open Parquet file. It is never closed: a thread may still read it when it is no longer kept."""

    def __init__(self, key: tuple[Any, ...]) -> None:
        self.key, self._uri = key, key[0]
        self._lock, self._open = Lock(), ExitStack()
        with _told(self._uri):
            self._parquet = parquet(self._open.enter_context(ranges.opened(self._uri)))
        facts, schema = self._parquet.metadata, self._parquet.schema
        self._ends = list(accumulate(facts.row_group(number).num_rows for number in range(facts.num_row_groups)))
        self._leaves = {schema.column(number).path: number for number in range(facts.num_columns)}
        self._stream: tuple[tuple[Any, ...], int, Iterator[pa.RecordBatch]] | None = None

    def lying(self, cell: Cell) -> _Lying | None:
        """Locate a cell; None if there is no such row. Raises OSError if there is no such column."""
        if cell.column not in self._leaves:
            raise OSError(errno.EINVAL, f"it has no column {cell.column}", cell.file)
        number = bisect_right(self._ends, cell.row)
        if number == len(self._ends):
            return None
        group = self._parquet.metadata.row_group(number)
        rows = rows_at_once(group.num_rows, group.column(self._leaves[cell.column]).total_uncompressed_size)
        place = cell.row - (self._ends[number] - group.num_rows)
        return _Lying(cell.column, number, place // rows, rows, place % rows)

    def block(self, wanted: _Lying) -> pa.Array:
        """Read the bytes of one block of rows. Blocks between the last one read and this one are skipped."""
        with self._lock, _told(self._uri):
            which, (stream, self._stream) = (wanted.column, wanted.group), (self._stream, None)
            if stream is None or stream[0] != which or stream[1] > wanted.number:
                how = {"row_groups": [wanted.group], "columns": [wanted.column], "use_threads": False}
                stream = (which, 0, self._parquet.iter_batches(wanted.rows, **how))
            batches = list(islice(stream[2], wanted.number - stream[1], wanted.number + 1 - stream[1]))
            if not batches:
                raise ValueError("a row group is shorter than its footer says")
            self._stream = (which, wanted.number + 1, stream[2])
        values = batches[0].column(0)
        while pa.types.is_struct(values.type):
            values = pc.struct_field(values, [0])
        return values


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn Arrow's errors about a file into an OSError; failures of a store or of the machine are passed on."""
    try:
        yield
    except (pa.ArrowException, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        raise OSError(errno.EINVAL, f"it does not read as Parquet: {' '.join(str(error).split())}", uri) from error


class _Kept:
    """The files and blocks this process read most recently. Each is loaded once, however many threads request it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tables: OrderedDict[Any, Future[_Table]] = OrderedDict()
        self._blocks: OrderedDict[Any, Future[pa.Array]] = OrderedDict()

    def table(self, uri: str) -> _Table:
        key = (uri, _state(uri))  # a changed file counts as another one
        return self._loaded(self._tables, key, lambda: _Table(key))

    def block(self, table: _Table, wanted: _Lying) -> pa.Array:
        key = (*table.key, wanted.column, wanted.group, wanted.number)
        return self._loaded(self._blocks, key, lambda: table.block(wanted))

    def _loaded(self, kept: OrderedDict[Any, Future[T]], key: object, load: Callable[[], T]) -> T:
        with self._lock:
            mine: Future[T] = Future()
            found = kept.setdefault(key, mine)
            kept.move_to_end(key)
        if found is not mine:
            return found.result()
        try:
            mine.set_result(load())
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits for it must hear of it
            mine.set_exception(error)
        with self._lock:
            if mine.exception():
                kept.pop(key, None)
            self._drop_the_oldest()
        return mine.result()

    def _drop_the_oldest(self) -> None:
        while len(self._tables) > KEPT_FILES:
            self._tables.popitem(last=False)
        done = (one.result() for one in self._blocks.values() if one.done() and not one.exception())
        over = sum(block.get_total_buffer_size() for block in done) - KEPT_BYTES
        while over > 0 and len(self._blocks) > 1:
            _, oldest = self._blocks.popitem(last=False)
            over -= oldest.result().get_total_buffer_size() if oldest.done() and not oldest.exception() else 0


_KEPT = _Kept()  # empty until something is read


def _state(uri: str) -> object:
    """Return what changes when the file does; a store is not asked, which would cost a request per image."""
    if not is_local(uri):
        return int(time.monotonic() // KNOWN_S)
    facts = os.stat(place(uri)[1])
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
