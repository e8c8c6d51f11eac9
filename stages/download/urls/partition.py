"""Partition: divide tables of URLs into stretches, one per task, and find URLs that an earlier row already has.

The few columns that decide are read once, in row groups: 8 bytes per URL are kept in memory, a 64-bit hash. Two
different URLs of ten million share a hash with a chance of 3 in a million; the later is then left out as a duplicate.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stages.download.urls.columns import URL
from stages.download.urls.tables import Lot, lots
from stages.download.urls.where import Bound, first_missed

MOST_ROWS = 10  # rows of a stretch, as a multiple of the URLs to fetch in it: filters may leave few of many


@dataclass(frozen=True)
class Stretch:
    """Contiguous rows of one table: their start, their number, how many pass the filters, and which repeat a URL."""

    table: str
    start: int  # where the first row begins, as the table is read
    first: int = 0  # its number in the table
    rows: int = 0
    urls: int = 0
    again: str | None = None  # of the rows that pass, those whose URL an earlier row has, as packed bits


@dataclass(frozen=True)
class _Reading:
    """One table while it is divided into stretches."""

    table: str
    most: int
    done: list[Stretch] = field(default_factory=list)
    hashes: list[NDArray[np.uint64]] = field(default_factory=list)


def stretches(tables: Mapping[str, Mapping[str, str]], asked: Sequence[Bound], most: int) -> list[Stretch]:
    """Return the stretches of these tables (uri -> its columns), in order, each with at most `most` URLs that pass.

    Raises Refused if a table cannot be read.
    """
    found: list[Stretch] = []
    hashes: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
    for uri, columns in tables.items():
        reading = _Reading(uri, most)
        needed = {URL, *(bound.column for bound in asked)}
        for lot in lots(uri, {ours: theirs for ours, theirs in columns.items() if ours in needed}):
            _read(reading, lot, asked)
        found += reading.done
        hashes += reading.hashes
    return list(_with_repeats(found, _repeated(np.concatenate(hashes))))


def _read(reading: _Reading, lot: Lot, asked: Sequence[Bound]) -> None:
    """Add a lot's rows to the open stretch, and open a new stretch whenever it is full."""
    passes = passing(lot.rows, asked)
    reading.hashes.append(_hashes(lot.rows.column(URL).filter(pa.array(passes))))
    before = np.concatenate([[0], np.cumsum(passes)])
    row = 0
    while row < len(passes):
        here = _open(reading, int(lot.starts[row]))
        room, urls = reading.most * MOST_ROWS - here.rows, reading.most - here.urls
        # all rows up to the one that would add a URL too many
        stop = min(int(np.searchsorted(before, before[row] + urls, side="right")) - 1, row + room)
        stop = max(stop, row + 1)
        taken = int(before[stop] - before[row])
        reading.done[-1] = replace(here, rows=here.rows + stop - row, urls=here.urls + taken)
        row = stop


def _open(reading: _Reading, start: int) -> Stretch:
    last = reading.done[-1] if reading.done else None
    if last is None or last.urls >= reading.most or last.rows >= reading.most * MOST_ROWS:
        reading.done.append(Stretch(reading.table, start, last.first + last.rows if last else 0))
    return reading.done[-1]


def passing(rows: pa.Table, asked: Sequence[Bound]) -> NDArray[np.bool_]:
    """Return (n,) whether each row passes the filters and has a URL."""
    there = rows.column(URL).is_valid().to_numpy(zero_copy_only=False).astype(bool)
    return there & (first_missed(rows, asked) < 0)


def _hashes(urls: pa.ChunkedArray) -> NDArray[np.uint64]:
    from pandas.util import hash_array  # importing it takes half a second

    return hash_array(np.asarray(urls.to_pylist(), dtype=object), categorize=False)


def _repeated(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return (n,) whether an earlier hash is the same."""
    again = np.ones(len(hashes), bool)
    again[np.unique(hashes, return_index=True)[1]] = False
    return again


def _with_repeats(found: Sequence[Stretch], again: NDArray[np.bool_]) -> Iterator[Stretch]:
    place = 0
    for one in found:
        yield replace(one, again=_packed(again[place : place + one.urls]))
        place += one.urls


def _packed(bits: NDArray[np.bool_]) -> str | None:
    """Return bits as text, which is short if few are set."""
    return base64.b64encode(zlib.compress(np.packbits(bits).tobytes(), 9)).decode() if bits.any() else None


def unpacked(text: str, count: int) -> NDArray[np.bool_]:
    """Return (count,) the bits that `again` encodes."""
    return np.unpackbits(np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8), count=count).astype(bool)
