"""Measured: length and sha256 of the images that a benchmark's files hold or name, each read once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from manifests.errors import Refused
from stages import images
from stages import parquet_bytes as cells
from stages.evaluate.benchmarks.base import Row

READERS = 8  # files read at once: in a store each takes a request
Measured = dict[str, tuple[int, str]]  # uri -> bytes, hex sha256
Lengths = Mapping[str, int | None]  # uri -> bytes; None for a cell, whose file does not say


def measured(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with length and sha256 of their images. Those that have them are not read.

    Raises Refused, naming the file or cell, if an image's bytes are gone or are no image, OSError if a store failed.
    """
    lengths = {row["uri"]: row["length"] for row in rows if row["uri"] is not None and row["sha256"] is None}
    with ThreadPoolExecutor(READERS) as readers:
        parts = readers.map(lambda uris: _read(uris, lengths), _parts(lengths))
        found = {uri: facts for part in parts for uri, facts in part.items()}
    return [
        row | {"length": found[row["uri"]][0], "sha256": found[row["uri"]][1]} if row["uri"] in found else row
        for row in rows
    ]


def _parts(uris: Iterable[str]) -> list[list[str]]:
    """Return the cells of each Parquet file in the order in which they are stored, and other files one by one.

    A Parquet file has one reader, from the start of a column to its end: any other order decodes parts of it again.
    """
    parts = defaultdict[str, list[tuple[str, int, str]]](list)
    for uri in sorted(uris):
        cell = cells.parsed(uri)
        parts[cell.file if cell else uri].append((cell.column, cell.row, uri) if cell else ("", 0, uri))
    return [[uri for _, _, uri in sorted(part)] for part in parts.values()]


def _read(uris: Sequence[str], lengths: Lengths) -> Measured:
    return {uri: _facts(uri, lengths[uri]) for uri in uris}


def _facts(uri: str, length: int | None) -> tuple[int, str]:
    cell = cells.parsed(uri)
    try:
        data = images.read(uri, 0, length or 0) if cell is None else cells.read(cell)
        images.header(data)
    except images.ImageRefused as error:
        raise Refused(f"{uri} cannot be shown to a model: {error.sentence}; download it again") from error
    return len(data), hashlib.sha256(data).hexdigest()
