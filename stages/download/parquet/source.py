"""Parquet: a source with the images' bytes in a column, such as the hub's `image: {bytes, path}`, read in place.

A task is one file. Its rows are decoded a few at a time (stages/parquet_bytes.py), so that neither files nor row
groups need to fit in memory. An image is identified by file and row, and by its path if it has one: paths repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.stores.places import absolute
from stages import images
from stages import parquet_bytes as cells
from stages.base import PriorState, Task
from stages.download.growth import grown
from stages.download.listing import digest, files_below, files_matching, listing
from stages.download.parquet.entries import Entry, entries_of, opened_table, raise_if_not_the_files, reason_of
from stages.download.parquet.layout import Layout, Names, layout_of
from stages.download.row import Found, Row, fields_of, look, looked_at, refused
from stages.download.settings import ParquetSettings
from stages.download.store_listing import is_folder
from stages.download.walk import File
from stages.parquet_bytes import Cell

ENDINGS = (".parquet", ".pq")
LOOKING = 16  # footers read at once while planning


@dataclass(frozen=True)
class ParquetSource:
    """`uri` names a folder, or files by braces or glob; `names` translates the hub's class names."""

    source: ParquetSettings
    names: Names = tuple

    def external_state(self) -> dict[str, int | str]:
        """Return the current number, bytes, and a hash of names and sizes of the files.

        Raises Refused if there are none, or if the first lacks a column of images or a column that the recipe names.
        """
        files = self._files()
        self._check(files[:1])
        return digest(files)

    def plan(self) -> list[Task]:
        """Return one task for each file. Raises Refused if a file's footer cannot be read or lacks a column."""
        files = self._files()
        self._check(files)
        facts = [{"source": self.source.name, "uri": absolute(file.uri), "bytes": file.size} for file in files]
        return [Task(f"{self.source.name}-{place:05d}", one) for place, one in enumerate(facts)]

    def extended(self, begun: PriorState) -> tuple[list[Task], list[Task]]:
        """Recognize earlier files by location and bytes; new files come after them."""
        return grown(begun, self.plan())

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """Return a row for every row of the file, or a single row that says why if the file can no longer be read."""
        uri, rows = task.facts["uri"], list[Row]()
        try:
            with images.opened(uri) as file:
                parquet = cells.parquet(file)
                layout, first = self._layout(parquet, uri), 0
                for group in range(parquet.metadata.num_row_groups):
                    count = parquet.metadata.row_group(group).num_rows
                    rows += self._rows_of(uri, parquet, layout, group, range(first, first + count))
                    first += count
        except (pa.ArrowException, OSError, ValueError) as error:
            raise_if_not_the_files(error)
            sentence = f"{uri} cannot be read any more: {reason_of(error)}"
            return [refused(self._found(uri, Entry(-1, None, None, {})), images.UNREADABLE, sentence)], Counts()
        return rows, Counts()

    def _files(self) -> list[File]:
        uri = absolute(self.source.uri)
        with listing(self.source):
            folder = is_folder(uri)
            below = [file for file in files_below(uri) if _is_table(file.name)] if folder else []
        files = [file for file in below if not file.fault] if folder else files_matching(self.source, self.source.uri)
        if not files:
            raise Refused(f"source {self.source.name}: no Parquet file below {uri}; correct images.sources ... uri")
        self._check_names({file.uri for file in files})
        return files

    def _check_names(self, uris: set[str]) -> None:
        known: dict[str, str] = {}
        for uri in sorted(uris):
            if known.setdefault(name := self._name(absolute(uri)), uri) != uri:
                raise Refused(
                    f"source {self.source.name}: {known[name]} and {uri} have one name, and rows are "
                    "known by it; name the folder above them as uri, or make each a source of its own"
                )

    def _check(self, files: Sequence[File]) -> None:
        with listing(self.source), ThreadPoolExecutor(LOOKING) as pool:
            list(pool.map(self._check_one, files))

    def _check_one(self, file: File) -> None:
        with opened_table(file.uri) as parquet:
            self._layout(parquet, file.uri)

    def _layout(self, parquet: pq.ParquetFile, uri: str) -> Layout:
        return layout_of(parquet.schema_arrow, self.source.columns, uri, self.names)

    def _rows_of(self, uri: str, parquet: pq.ParquetFile, layout: Layout, group: int, rows: range) -> list[Row]:
        """Return the rows of one row group; what does not decode is refused, row by row."""
        made: list[Row] = []
        entries = entries_of(parquet, layout, group, rows)
        while True:
            try:
                entry = next(entries, None)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise_if_not_the_files(error)
                why = f"row group {group} of {uri} does not decode: {reason_of(error)}; download the file again"
                lost = [Entry(row, None, None, {}) for row in rows[len(made) :]]
                return made + [refused(self._found(uri, one), images.UNREADABLE, why) for one in lost]
            if entry is None:
                return made
            made.append(self._row(uri, layout, entry))

    def _row(self, uri: str, layout: Layout, entry: Entry) -> Row:
        place = Cell(uri, layout.image, entry.row)
        if entry.data is None:
            why = f", only the path {entry.path}; make the file with the bytes in it" if entry.path else ": it is null"
            return refused(self._found(uri, entry, place), images.UNREADABLE, f"{place} holds no bytes{why}")
        data, found = entry.data, self._found(uri, entry, place)
        return looked_at(found, look(lambda: images.read_from(BytesIO(data), str(place), 0, len(data))))

    def _found(self, uri: str, entry: Entry, place: Cell | None = None) -> Found:
        name, fields = self._name(uri), fields_of(entry.values, self.source.license)
        key = entry.path.rpartition(".")[0] or entry.path if entry.path else f"{_stem(name)}:{entry.row}"
        natural, length = f"{name}#{entry.row} {entry.path or ''}", len(entry.data or b"")
        return Found(self.source.name, key, natural, str(place or uri), 0, length, fields)

    def _name(self, uri: str) -> str:
        """Return what a file is called in the names of its images: its path within the folder, or its own name."""
        root = f"{absolute(self.source.uri).rstrip('/')}/"
        return uri.removeprefix(root) if uri.startswith(root) else uri.rsplit("/", 1)[-1]


def _is_table(name: str) -> bool:
    return name.endswith(ENDINGS) and not any(part.startswith(("_", ".")) for part in name.split("/"))


def _stem(name: str) -> str:
    return next((name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending)), name)
