"""Entries: the rows of a published benchmark's Parquet, JSON or JSON-lines file, and where their images are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.errors import Refused
from stages import images
from stages import parquet_bytes as cells
from stages.evaluate.benchmarks.files import json_values, refused_if_unreadable
from stages.evaluate.benchmarks.image_files import ImageFiles
from stages.parquet_bytes import Cell

PARQUET, JSON, LINES = ".parquet", ".json", ".jsonl"
ENDINGS = (PARQUET, JSON, LINES)

Located = dict[str, Any]  # uri, offset, length: where an image's bytes are; length is None for a Parquet cell


@dataclass(frozen=True)
class Entry:
    """One row of a file. `located(column)` says where the image is that a column holds or names."""

    file: str
    number: int  # from 1
    values: Mapping[str, Any]
    located: Callable[[str], Located]

    @property
    def where(self) -> str:
        return f"row {self.number} of {self.file}"

    @property
    def is_table(self) -> bool:
        """Whether it is a row of a Parquet file, which holds its images itself."""
        return self.file.endswith(PARQUET)

    def has(self, column: str) -> bool:
        return self.values.get(column) is not None

    def text(self, *columns: str) -> str:
        """Return a text or number as text, from the first of these columns there is. Raises Refused if it is empty."""
        column = next((name for name in columns if name in self.values), columns[0])
        value = self._value(column)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise Refused(f"{self.where}: its {column} is {_shown(value)} and not a text; correct the file")
        if not (text := str(value).strip()):
            raise Refused(f"{self.where}: its {column} is empty; correct the file")
        return text

    def texts(self, column: str) -> list[str]:
        """Return a list of texts. Raises Refused if it is none."""
        value = self._value(column)
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            raise Refused(f"{self.where}: its {column} is {_shown(value)} and not a list of texts; correct the file")
        return [one.strip() for one in value]

    def _value(self, column: str) -> Any:
        if column not in self.values:
            raise Refused(
                f"{self.where} has no column {column}; it has {', '.join(self.values)[:300] or 'none'}: "
                "download the file again, or choose the right kind of benchmark"
            )
        return self.values[column]


def entries_of(uri: str, pictures: str) -> Iterator[Entry]:
    """Yield a file's rows. `pictures`: the folder of the images that a JSON file names.

    Raises Refused if the file is of no known kind or does not read, Unreachable if a store failed.
    """
    yield from _of_table(uri) if uri.endswith(PARQUET) else _of_json(uri, ImageFiles(pictures))


def _of_json(uri: str, pictures: ImageFiles) -> Iterator[Entry]:
    for number, value in json_values(uri):
        if not isinstance(value, dict):
            raise Refused(f"row {number} of {uri} is {_shown(value)} and not a JSON object; download it again")
        yield Entry(uri, number, value, _named(f"row {number} of {uri}", value, pictures))


def _named(where: str, values: Mapping[str, Any], pictures: ImageFiles) -> Callable[[str], Located]:
    def located(column: str) -> Located:
        name = values.get(column)
        if not isinstance(name, str) or not name:
            raise Refused(f"{where} names no image: its {column} is {_shown(name)}; correct the file")
        uri, length = pictures.find(name, where)
        return {"uri": uri, "offset": 0, "length": length}

    return located


def _of_table(uri: str) -> Iterator[Entry]:
    with refused_if_unreadable(uri, "Parquet"), images.opened(uri) as file:
        parquet, number = cells.parquet(file), 0
        schema = parquet.schema_arrow
        shown = [field.name for field in schema if not _is_bytes(field.type) and not pa.types.is_struct(field.type)]
        holding = {field.name: path for field in schema if (path := _path_of_bytes(field)) is not None}
        for group in range(parquet.metadata.num_row_groups):
            lacking = {name: _lacking(parquet, group, path) for name, path in holding.items()}
            first = number
            for values in _rows(parquet, group, shown):
                lacks = {name for name, rows in lacking.items() if number - first in rows}
                yield Entry(uri, number + 1, values, _held(uri, number, holding, lacks))
                number += 1


def _rows(parquet: pq.ParquetFile, group: int, columns: list[str]) -> Iterator[dict[str, Any]]:
    if not columns:  # an iterator over no columns has no rows
        yield from ({} for _ in range(parquet.metadata.row_group(group).num_rows))
        return
    for batch in parquet.iter_batches(4096, row_groups=[group], columns=columns, use_threads=False):
        yield from batch.to_pylist()


def _held(uri: str, row: int, holding: Mapping[str, str], lacks: set[str]) -> Callable[[str], Located]:
    def located(column: str) -> Located:
        if column not in holding:
            raise Refused(
                f"{uri} has no column {column} of image bytes; its columns of image bytes: "
                f"{', '.join(holding) or 'none'}; download the file again, or choose the right kind of benchmark"
            )
        if column in lacks:
            raise Refused(f"row {row + 1} of {uri} has no bytes in its column {column}; download the file again")
        return {"uri": str(Cell(uri, holding[column], row)), "offset": 0, "length": None}

    return located


def _lacking(parquet: pq.ParquetFile, group: int, path: str) -> set[int]:
    """Return the rows of a row group without bytes. The bytes are read only if the footer counts such rows."""
    facts = parquet.metadata.row_group(group)
    column = next(one for one in map(facts.column, range(facts.num_columns)) if one.path_in_schema == path)
    if column.statistics is None or not column.statistics.has_null_count or not column.statistics.null_count:
        return set()  # where the footer does not count them, they are found when the images are read
    values = parquet.read_row_group(group, columns=[path], use_threads=False).column(0).combine_chunks()
    if pa.types.is_struct(values.type):
        values = pc.struct_field(values, [0])
    return set(pc.indices_nonzero(pc.is_null(values)).to_pylist())


def _path_of_bytes(field: pa.Field) -> str | None:
    """Return the path of a column of bytes, alone or in the hub's struct of an image; None for any other column."""
    if _is_bytes(field.type):
        return str(field.name)
    inside = list(field.type) if pa.types.is_struct(field.type) else []
    return f"{field.name}.bytes" if any(one.name == "bytes" and _is_bytes(one.type) for one in inside) else None


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _shown(value: object) -> str:
    return "missing" if value is None else repr(value)[:60]
