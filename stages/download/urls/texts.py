"""Texts: tables of URLs as CSV, TSV and JSON-lines, row by row with the byte each begins at.

CSV is separated by commas and may be quoted. TSV is plain: a tab ends a field, a line ends a row, and quotes
have no special meaning, so no field holds a tab or the end of a line. JSON-lines hold one object per line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from manifests.parsing import parse_json

MOST_FIELD = 1 << 24  # characters in one field; csv's own bound is 131,072
LOOKED_AT = 100  # rows of JSON-lines whose keys are the columns: the first row may lack some
Row = dict[str, Any]


def columns_of(uri: str, file: IO[bytes]) -> list[str]:
    """Return the columns in the first line, or in the first LOOKED_AT rows of JSON-lines; none if there is no row."""
    rows = text_rows(uri, file, 0)
    first = list(islice(rows, LOOKED_AT if _is_json(uri) else 1))
    if not first or _is_json(uri):
        return list(dict.fromkeys(name for row, _ in first for name in row))
    return next(_split(uri, _Lines(file, 0)), [])


def text_rows(uri: str, file: IO[bytes], start: int) -> Iterator[tuple[Row, int]]:
    """Return the rows from the byte `start` on. Raises ValueError or csv.Error if one cannot be read."""
    return _json_rows(file, start) if _is_json(uri) else _split_rows(uri, file, start)


class _Lines:
    """Lines of a text from a byte on, and how many bytes were read; csv takes as many lines as a row has."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        file.seek(start)
        self._lines, self.at = io.BufferedReader(_Raw(file), 1 << 20), start

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            text, first = line.decode("utf-8", "replace"), self.at == 0
            self.at += len(line)
            yield text.removeprefix("\ufeff") if first else text  # a byte order mark


class _Raw(io.RawIOBase):
    """A file in the form that io.BufferedReader requires."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _is_json(uri: str) -> bool:
    return not uri.endswith((".csv", ".tsv"))


def _split(uri: str, lines: _Lines) -> Iterator[list[str]]:
    csv.field_size_limit(MOST_FIELD)
    if uri.endswith(".tsv"):
        return csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return csv.reader(lines)


def _split_rows(uri: str, file: IO[bytes], start: int) -> Iterator[tuple[Row, int]]:
    head_lines = _Lines(file, 0)
    head = next(_split(uri, head_lines), None)
    if head is None:
        return
    lines = _Lines(file, max(start, head_lines.at))
    begins = lines.at
    for row in _split(uri, lines):
        if row:
            yield dict(zip(head, row, strict=False)), begins
        begins = lines.at


def _json_rows(file: IO[bytes], start: int) -> Iterator[tuple[Row, int]]:
    lines = _Lines(file, start)
    begins = start
    for line in lines:
        if line.strip():
            value = parse_json(line)
            if not isinstance(value, dict):
                raise ValueError(f"the line at byte {begins} is not a JSON object")
            yield value, begins
        begins = lines.at
