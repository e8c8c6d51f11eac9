"""Shard: one Parquet file of a manifest, written in parts, complete or absent, with its counts in its footer.

Rows that are read are compared with the digests in the footer (digests.py), and the footer with the committed one.
"""

from __future__ import annotations

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
from manifests.damage import REPAIR, damage_told
from manifests.digests import Check, OtherRows, Stated, digests_of
from manifests.footer import Footer, digest_of, facts_of, read_footer
from manifests.layout import holds_vectors, layout
from manifests.schema import Schema
from manifests.storage import Folder

SUFFIX = ".parquet"
GROUPS = 4  # row groups read at once: of these only the requested rows are kept
GROUP_ROWS = 256  # rows per row group of a table of vectors: a reader of a few rows reads no entire shard
MOST_ROWS = 1 << 20  # most rows per row group of any other table


@dataclass(frozen=True)
class Part:
    """Some rows of a shard and the counts of what they were made from; a shard may come in many parts."""

    table: pa.Table
    counts: Counts


@dataclass(frozen=True)
class Receipt:
    """What a task returns instead of data: the shard's name, its size, and its counts."""

    name: str
    rows: int
    bytes: int
    counts: Counts
    computed: str = ""  # precision and device, where they change the last digits: "float32 on CPU"
    digest: str = ""  # 32 hex digits that change with any row; empty for a shard of an earlier version

    def to_json(self) -> dict[str, Any]:
        more = {name: text for name in ("computed", "digest") if (text := getattr(self, name))}
        return {"name": self.name, "rows": self.rows, "bytes": self.bytes, "counts": self.counts.to_json(), **more}

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
    """Write `parts` as `name`.parquet in `folder`; nothing appears there until the file is complete.

    The same parts give the same bytes. `accept` may raise to refuse the shard; `computed` is written into the footer.
    Raises ValueError if a part does not conform to `schema`, Unbalanced if
    `seen = ok + rejected` does not hold, OSError if the disk cannot take it.
    """
    with folder.aside(name + SUFFIX) as path:
        counts = _write(path, schema, parts, computed)
        counts.check(f"{folder.url}/{name}")
        accept(counts)
        with path.open("rb") as file:
            receipt = _receipt(name, read_footer(file))
    return receipt


def read_receipt(folder: Folder, name: str) -> Receipt:
    """Read the receipt of an existing shard, from its footer alone. Raises Damaged."""
    url = f"{folder.url}/{name}{SUFFIX}"
    with damage_told(url, f"remove {url}"), folder.open(name + SUFFIX) as file:
        return _receipt(name, read_footer(file))


def _receipt(name: str, footer: Footer) -> Receipt:
    return Receipt(name, footer.metadata.num_rows, footer.size, footer.counts, footer.computed, footer.digest)


def changed(folder: Folder, shards: Sequence[Receipt]) -> str | None:
    """Return the start of a sentence on the first shard whose file is gone or of another size; None if all match."""
    sizes = folder.sizes()
    for shard in shards:
        there, url = sizes.get(shard.name + SUFFIX), f"{folder.url}/{shard.name}{SUFFIX}"
        if there is None:
            return f"{url} is gone: it was removed"
        if there != shard.bytes:
            return f"{url} should have {shard.bytes} bytes and has {there}: it was changed"
    return None


def read_shard(
    folder: Folder, name: str, columns: Sequence[str] | None = None, stated: Stated | None = None
) -> pa.Table:
    """Read one shard as a table; `columns` None means all, `stated` is what its manifest states of it.

    Raises Damaged, or ValueError for an unknown column.
    """
    with _opened(folder, name, columns or (), stated) as (parquet, footer):
        table = parquet.read(columns and list(columns))
        _check(footer, range(len(footer.groups)), stated).add(table)
        return table


def read_rows(
    folder: Folder, name: str, columns: Sequence[str], rows: NDArray[np.int64], stated: Stated | None = None
) -> pa.Table:
    """Read these rows of one shard (ascending); only the row groups that hold them are read. Raises Damaged."""
    with _opened(folder, name, columns, stated) as (parquet, footer):
        sizes = np.array(footer.groups, np.int64)
        ends = np.cumsum(sizes)
        of_row = np.searchsorted(ends, rows, side="right")
        touched, parts = np.unique(of_row), []
        for start in range(0, len(touched), GROUPS):
            groups = touched[start : start + GROUPS]
            here = np.isin(of_row, groups)
            before = np.concatenate([[0], np.cumsum(sizes[groups])])  # rows read before each group
            places = (rows - (ends - sizes)[of_row])[here] + before[np.searchsorted(groups, of_row[here])]
            read = parquet.read_row_groups(groups.tolist(), columns=list(columns), use_threads=False)
            _check(footer, groups.tolist(), stated).add(read)
            parts.append(read.take(places))
        return pa.concat_tables(parts or [parquet.schema_arrow.empty_table().select(list(columns))])


def read_batches(
    folder: Folder, name: str, columns: Sequence[str], rows: int, stated: Stated | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield one shard's rows in order, at most `rows` at a time. Raises Damaged, or ValueError for an unknown column.

    A row group is compared when its last row is read: keep nothing that was made from its rows if this raises.
    """
    with _opened(folder, name, columns, stated) as (parquet, footer):
        check = _check(footer, range(len(footer.groups)), stated)
        for batch in parquet.iter_batches(rows, columns=list(columns)):
            check.add(batch)
            yield batch


def read_names(folder: Folder, name: str, stated: Stated | None = None) -> list[str]:
    """Return the names of a shard's columns."""
    with _opened(folder, name, (), stated) as (parquet, _):
        return list(parquet.schema_arrow.names)


@contextmanager
def _opened(
    folder: Folder, name: str, columns: Sequence[str], stated: Stated | None
) -> Iterator[tuple[pq.ParquetFile, Footer]]:
    """Open the file and read its footer. Raises Damaged if the footer is not the stated one."""
    remedy = REPAIR if stated else f"remove the folder {folder.url}"
    with damage_told(f"{folder.url}/{name}{SUFFIX}", remedy), folder.open(name + SUFFIX) as file:
        footer = read_footer(file)
        if stated and stated.digest not in ("", digest_of(footer.raw)):
            raise OtherRows("its footer is another")
        # from a bucket: ranges that are close together are read in one request, not in one per column and row group
        ahead = {"pre_buffer": folder.local is None}
        parquet = pq.ParquetFile(file, metadata=footer.metadata, page_checksum_verification=True, **ahead)
        if unknown := [column for column in columns if column not in parquet.schema_arrow.names]:
            raise ValueError(f"{folder.url}/{name} has no column {unknown[0]}: {parquet.schema_arrow.names}")
        yield parquet, footer


def _check(footer: Footer, groups: Sequence[int], stated: Stated | None) -> Check:
    """Return the Check that compares the rows of these row groups."""
    return Check(footer.digests, [(group, footer.groups[group]) for group in groups], stated or Stated())


def _write(path: Path, schema: Schema, parts: Iterable[Part], computed: str) -> Counts:
    counts, digests = Counts(), {name: list[str]() for name in schema.columns.names}
    most = GROUP_ROWS if holds_vectors(schema) else MOST_ROWS
    with pq.ParquetWriter(path, schema.stamped(), **layout(schema)) as writer:
        for part in parts:
            counts, table = counts + part.counts, schema.conform(part.table)
            if table.num_rows:
                writer.write_table(table, most)
            for start in range(0, table.num_rows, most):
                for name, digest in digests_of(table.slice(start, most)).items():
                    digests[name].append(digest)
        writer.add_key_value_metadata(facts_of(counts, computed, digests))
    return counts
