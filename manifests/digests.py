"""Digests: one for each column of each row group, so that a reader of some rows knows that they are those written.

A page's checksum is stored beside the page, so rewriting a shard replaces it. These digests are stored in the footer,
and a digest of the footer in the manifest's commit. They are computed from the values, so a reader checks only what
it reads, while it is in memory, and reads nothing more for the check.

The hash is XXH3, at 10 GB a second and more per core (sha256: 0.4 to 2). It detects changes made by an accident or a
script. It does not stop an attacker: anyone who can write the shards can write the commit, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

Digests = Mapping[str, Sequence[str]]  # column -> 16 hex digits for each row group


class OtherRows(Exception):
    """A shard's rows are not those that were written; the text says which part of the shard differs."""


class Values:
    """A digest of a column's values, which are added piece by piece; where a piece ends does not affect it."""

    def __init__(self) -> None:
        self._nulls, self._lengths, self._bytes = (xxhash.xxh3_64() for _ in range(3))
        self._inner: Values | None = None  # for the values of lists
        self._count = 0

    def add(self, piece: pa.Array) -> None:
        if piece.null_count:
            nulls = np.flatnonzero(piece.is_null().to_numpy(zero_copy_only=False))
            self._nulls.update((nulls + self._count).astype(np.int64).data)
        self._count += len(piece)
        present = piece.drop_null() if piece.null_count else piece
        if pa.types.is_list(piece.type) or pa.types.is_fixed_size_list(piece.type):
            self._inner = self._inner or Values()
            self._inner.add(present.flatten())
            if pa.types.is_list(piece.type):
                self._lengths.update(_bytes_of(pc.list_value_length(present)))
        elif pa.types.is_string(piece.type):
            self._lengths.update(_bytes_of(pc.binary_length(present)))
            self._bytes.update(_text_of(present))
        else:
            self._bytes.update(_bytes_of(present))

    def add_all(self, column: pa.Array | pa.ChunkedArray) -> None:
        for piece in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
            self.add(piece)

    def digest(self) -> str:
        """Return 16 hex digits."""
        inner = self._inner.digest() if self._inner else ""
        own = [f"{self._count} {inner} ".encode(), self._nulls.digest(), self._lengths.digest(), self._bytes.digest()]
        return xxhash.xxh3_64_hexdigest(b"".join(own))


def digests_of(group: pa.Table) -> dict[str, str]:
    """Return column -> digest of one row group."""
    return {name: _digest(column) for name, column in zip(group.column_names, group.columns, strict=True)}


@dataclass(frozen=True)
class Stated:
    """What a commit states of a shard, and what its reader has compared so far: a byte per column and row group."""

    digest: str = ""
    compared: dict[str, bytearray] = field(default_factory=dict)


class Check:
    """Compares row groups with their digests: rows are added as they are read, in order, each group once complete."""

    def __init__(self, digests: Digests, groups: Sequence[tuple[int, int]], stated: Stated) -> None:
        """`groups`: number and rows of each row group that is read. Without digests nothing is compared."""
        self._digests, self._compared = digests, stated.compared
        self._groups = [group for group in reversed(groups) if group[1]]
        self._read = 0  # rows added so far of the current group, the last of `_groups`
        self._values: dict[str, Values] = {}

    def add(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Add rows. Raises OtherRows for a column that does not hold what its footer states."""
        start = 0
        while self._digests and start < rows.num_rows:
            number, size = self._groups[-1]
            piece = rows.slice(start, size - self._read)
            for name, column in zip(rows.schema.names, piece.columns, strict=True):
                if not self._known(name)[number]:
                    self._values.setdefault(name, Values()).add_all(column)
            start, self._read = start + piece.num_rows, self._read + piece.num_rows
            if self._read == size:
                self._compare(number)

    def _known(self, name: str) -> bytearray:
        if name not in self._digests:
            raise OtherRows(f"its footer says nothing of its column {name}")
        return self._compared.setdefault(name, bytearray(len(self._digests[name])))

    def _compare(self, number: int) -> None:
        for name, values in self._values.items():
            if values.digest() != self._digests[name][number]:
                raise OtherRows(f"its column {name} holds other values")
            self._compared[name][number] = True
        self._groups.pop()
        self._values, self._read = {}, 0


def _digest(column: pa.ChunkedArray) -> str:
    values = Values()
    values.add_all(column)
    return values.digest()


def _bytes_of(numbers: pa.Array) -> memoryview:
    """Return the bytes of the numbers as they are in memory."""
    return np.ascontiguousarray(numbers.to_numpy(zero_copy_only=False)).view(np.uint8).data


def _text_of(texts: pa.StringArray) -> memoryview | bytes:
    """Return the UTF-8 of all texts, one after another."""
    _, offsets, text = texts.buffers()
    if not len(texts) or text is None:
        return b""
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(text)[bounds[0] : bounds[-1]]
