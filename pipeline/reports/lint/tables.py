"""Tables: Parquet with the images' bytes in a column, as the hub stores them: `image: {bytes, path}`.

A table with URLs and no bytes is a table of URLs, which has nothing to check here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.errors import Refused
from pipeline.reports.lint.tally import Tally
from stages import images
from stages.download.parquet.entries import Entry, entries_of, opened_table
from stages.download.parquet.layout import Layout, layout_of
from stages.download.urls.columns import KNOWN, URL
from stages.parquet_bytes import Cell


@dataclass(frozen=True)
class ImageTable:
    """One Parquet file of images."""

    file: str
    uri: str
    size: int

    def look(self, tally: Tally) -> None:
        """Find all its faults. Raises Unreachable where a store failed."""
        try:
            with opened_table(self.uri) as parquet:
                if _is_of_urls(parquet.schema_arrow):
                    tally.find("urls_alone", f"{parquet.metadata.num_rows:,} rows of a table of URLs, not of images")
                    return
                layout = self._layout(parquet)
                if not parquet.metadata.num_rows:
                    tally.find("no_images", "it has no rows")
                for entry in _entries(parquet, layout):
                    self._see(entry, layout, tally)
        except Refused as refusal:
            tally.find("bad_table", str(refusal))

    def names(self) -> Iterator[str]:
        """Yield its images' names, in order."""
        with opened_table(self.uri) as parquet:
            yield from map(_name, _entries(parquet, self._layout(parquet)))

    def _layout(self, parquet: pq.ParquetFile) -> Layout:
        layout = layout_of(parquet.schema_arrow, {}, self.uri)
        return replace(layout, fields={}, classes={})  # only images and their paths are checked

    def _see(self, entry: Entry, layout: Layout, tally: Tally) -> None:
        data = entry.data or b""
        cell = str(Cell(self.uri, layout.image, entry.row))
        read = partial(images.read_from, BytesIO(data), cell, 0, len(data))
        tally.see(_name(entry), 0, read, partial(images.read, cell, 0, len(data)))
        tally.beat(len(data))


def _is_of_urls(schema: pa.Schema) -> bool:
    others = [field.type for field in schema if field.name not in KNOWN[URL]]
    return len(others) < len(schema) and not any(map(_holds_bytes, others))


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_bytes(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _entries(parquet: pq.ParquetFile, layout: Layout) -> Iterator[Entry]:
    first = 0
    for group in range(parquet.num_row_groups):
        count = parquet.metadata.row_group(group).num_rows
        yield from entries_of(parquet, layout, group, range(first, first + count))
        first += count


def _name(entry: Entry) -> str:
    return entry.path or f"row {entry.row}"
