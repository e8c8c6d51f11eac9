"""Tables: the values inside Parquet and Arrow files that may hold images, one at a time, each named by its cell.

Bytes and text count at any depth of structs, lists and maps: the hub's `image: {bytes, path}`, several images per row,
base64 as VLMEvalKit stores it, or JSON. Numbers hold no image, but lists of small integers may be its pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import pyarrow as pa

from manifests.errors import Refused
from pipeline.benchmark.formats.scanning.source import Source
from stages import parquet_bytes as cells
from stages.download.tar import Member, member_file
from stages.parquet_bytes import Cell

SHORTEST = 64  # bytes; a shorter value is an id or a word, not an image
# parts of a block of stages/parquet_bytes.py: values are examined once, and Arrow holds three times what it decodes
PARTS = 4
MOST = 256  # rows decoded at once, however small they are in the file
SMALL = (pa.uint8(), pa.int8())


def values_in(source: Source) -> Iterator[Source]:
    """Yield the values of a table that may hold an image, called `TABLE#COLUMN[ROW]`.

    Raises Refused for a column of pixels, and for an image of which only the path is there.
    """
    assert source.kind is not None
    with source.from_start() as whole:
        # a damaged file may request more than there is, and get it: memory, not bytes
        file = member_file(whole, Member(source.name, 0, whole.seek(0, 2)))
        for column, first, values in READERS[source.kind.name](source, file):
            values.validate(full=True)  # Arrow does not check damaged files, which would crash the process
            for row, value in enumerate(values, first):
                yield from _inside(source, Cell(source.name, column, row), value.as_py())


def _of_parquet(source: Source, file: Any) -> Iterator[tuple[str, int, pa.Array]]:
    """Yield column, number of the first row, and values: a few rows at a time, as many as their images allow."""
    parquet = cells.parquet(file)
    for field in _chosen(source, parquet.schema_arrow):
        first = 0
        for group in range(parquet.num_row_groups):
            facts = parquet.metadata.row_group(group)  # not per column: a damaged footer would crash the process
            count = min(cells.rows_at_once(facts.num_rows, PARTS * facts.total_byte_size), MOST)
            how = {"row_groups": [group], "columns": [field.name], "use_threads": False}
            for batch in parquet.iter_batches(count, **how):
                for column in batch.columns:  # several if they share one name
                    yield field.name, first, column
                first += batch.num_rows


def _of_arrow_file(source: Source, file: Any) -> Iterator[tuple[str, int, pa.Array]]:
    reader = pa.ipc.open_file(file)
    yield from _of_batches(source, reader.schema, map(reader.get_batch, range(reader.num_record_batches)))


def _of_arrow_stream(source: Source, file: Any) -> Iterator[tuple[str, int, pa.Array]]:
    reader = pa.ipc.open_stream(file)
    yield from _of_batches(source, reader.schema, reader)


def _of_batches(
    source: Source, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> Iterator[tuple[str, int, pa.Array]]:
    chosen, first = _chosen(source, schema), 0
    for batch in batches:
        for place, field in enumerate(schema):
            if field in chosen:
                yield field.name, first, batch.column(place)
        first += batch.num_rows


READERS = {"parquet": _of_parquet, "arrow file": _of_arrow_file, "arrow stream": _of_arrow_stream}


def _chosen(source: Source, schema: pa.Schema) -> list[pa.Field]:
    """Return the columns that hold bytes or text at any depth. Raises Refused for a column of pixels."""
    if pixels := [field.name for field in schema if any(_is_pixels(kind) for kind in _kinds(field.type))]:
        raise Refused(
            f"{source.name} has a column {pixels[0]} of small whole numbers in lists, which may be the pixels of "
            "images: put them into files of their own, as PNG or JPEG, or take the column out"
        )
    return [field for field in schema if any(map(_is_text_or_bytes, _kinds(field.type)))]


def _kinds(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yield the type, and the types nested in it."""
    yield kind
    if isinstance(kind, pa.BaseExtensionType):
        yield from _kinds(kind.storage_type)
    elif pa.types.is_dictionary(kind):
        yield from _kinds(kind.value_type)
    else:
        for place in range(kind.num_fields):
            yield from _kinds(kind.field(place).type)


def _is_pixels(kind: pa.DataType) -> bool:
    return hasattr(kind, "value_type") and not pa.types.is_dictionary(kind) and kind.value_type in SMALL


def _is_text_or_bytes(kind: pa.DataType) -> bool:
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in (*tests, *texts))


def _inside(source: Source, cell: Cell, value: Any, place: str = "") -> Iterator[Source]:
    """Yield each text and each bytes value inside a value; `place` is the position in a list."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass").replace(b"\0", b" ")  # it is text, whatever it holds
    if isinstance(value, bytes):
        if len(value) >= SHORTEST:
            yield source.inside(f"{cell}{place}", BytesIO(value), seekable=True)
    elif isinstance(value, Mapping):
        _check_bytes(cell, value, place)
        for name, one in value.items():
            yield from _inside(source, replace(cell, column=f"{cell.column}.{name}"), one, place)
    elif isinstance(value, list):
        named = bool(value) and all(isinstance(one, tuple) for one in value)  # the entries of a map
        for number, one in enumerate(value):
            if named:
                yield from _inside(source, cell, dict([one]), place)
            else:
                yield from _inside(source, cell, one, f"{place}[{number}]")


def _check_bytes(cell: Cell, value: Mapping[str, Any], place: str) -> None:
    """Raise Refused for the hub's image struct if its bytes are stored elsewhere."""
    if "bytes" in value and not value["bytes"] and (path := value.get("path")):
        raise Refused(
            f"{cell}{place} holds no bytes, only the path {path}: make the table with the bytes in it, or put that "
            "file in its place"
        )
