"""Pictures: images inside Parquet, as Hugging Face's `datasets` reads and shows them, some megabytes at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.benchmark.photos import Photo

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
GROUP_BYTES = 64 * 2**20  # bytes of images in a row group: what is in memory at once, here and in its readers
MOST_ROWS = 1_000  # in a row group, however small its images
JPEGS = ("JPEG", "MPO")  # a phone's photo with an appended preview is MPO to Pillow, and a JPEG to all others
SUFFIXES = {**dict.fromkeys(JPEGS, "jpg"), "JPEG2000": "jp2"}  # other formats keep their own names

Row = Mapping[str, Any]


def picture(photo: Photo, stem: str) -> dict[str, Any]:
    """Return the photo's own bytes as a cell; its path is `stem` and its format. Raises ImageRefused if gone."""
    return {"bytes": photo.read(), "path": f"{stem}.{SUFFIXES.get(photo.format, photo.format.lower())}"}


def for_datasets(columns: pa.Schema) -> pa.Schema:
    """Return the columns with the metadata that marks images for `datasets`; otherwise they are structs of bytes."""
    features = {column.name: _feature(column.type) for column in columns}
    return columns.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def write_rows(path: Path, columns: pa.Schema, rows: Iterable[Row]) -> None:
    """Write rows with pictures as one Parquet file, holding at most GROUP_BYTES of pictures, or one picture."""
    with pq.ParquetWriter(path, columns, use_dictionary=False) as writer:
        for group in groups(rows):
            writer.write_table(pa.Table.from_pylist(list(group), schema=columns))


def groups(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    """Yield the rows in order, in groups that end when their pictures reach GROUP_BYTES, or their rows MOST_ROWS."""
    group, size = list[Row](), 0
    for row in rows:
        group.append(row)
        size += size_of(row)
        if size >= GROUP_BYTES or len(group) == MOST_ROWS:
            yield group
            group, size = [], 0
    if group:
        yield group


def size_of(row: Row) -> int:
    """Return the number of bytes of the row's pictures."""
    return sum(len(value["bytes"]) for value in row.values() if isinstance(value, dict))


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if kind == PICTURE:
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "Sequence"}  # a name known to old and new versions
    return {"dtype": "float64" if kind == pa.float64() else str(kind), "_type": "Value"}
