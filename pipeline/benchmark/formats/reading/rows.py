"""Rows: the Questions.csv of a published folder, cell by cell, with the quirks of published files.

The header's first cell was also published as `lndex`; columns are identified by position. The form that reads a row
checks what it says; here its number is checked: `Index` must count 1, 2, 3 without a gap, because images are named by
it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from manifests.errors import Refused
from pipeline.benchmark.formats.reading.numbered import plain

QUESTIONS = "Questions.csv"


@dataclass(frozen=True)
class Line:
    """A row after the header: its number from 1, which is its Index, and the cells after that."""

    number: int
    file: Path
    cells: tuple[str, ...]

    @property
    def where(self) -> str:
        return f"row {self.number} of {self.file}"


def pairs_of(folder: Path, header: Sequence[str], also: Sequence[str] = ()) -> list[tuple[Line, Line]]:
    """Read every two rows of a folder's Questions.csv. `also`: what else the header's first cell may be.

    Raises Refused, naming row and file, if there is no such table, or if it has an odd number of rows.
    """
    lines = list(_lines(folder / QUESTIONS, header, {plain(name) for name in (header[0], *also)}))
    if not lines or len(lines) % 2:
        raise Refused(
            f"{folder / QUESTIONS} has {len(lines)} rows after its header; a pair is two consecutive rows, so their "
            "number is even"
        )
    return list(zip(lines[::2], lines[1::2], strict=True))


def _lines(file: Path, header: Sequence[str], first: set[str]) -> Iterator[Line]:
    rows = [cells for cells in _read(file) if any(cell.strip() for cell in cells)]
    if not rows or plain(rows[0][0]) not in first:
        there = ",".join(rows[0])[:80] if rows else "nothing"
        raise Refused(f"{file} begins with {there!r} and not with {','.join(header)}; choose the --format that it has")
    known: dict[str, int] = {}
    for number, cells in enumerate(rows[1:], 1):
        line = Line(number, file, _cut(cells, len(header), f"row {number} of {file}")[1:])
        _check_number(cells[0].strip(), line, header[0], known)
        yield line


def _read(file: Path) -> list[list[str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")  # Excel writes a byte order mark at its start
        return list(csv.reader(io.StringIO(text, newline="")))
    except UnicodeDecodeError as error:
        raise Refused(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror or error}") from error
    except csv.Error as error:
        raise Refused(f"{file} is not CSV: {error}") from error


def _cut(cells: Sequence[str], columns: int, where: str) -> tuple[str, ...]:
    """Return the cells without the empty ones that spreadsheets leave after the last column."""
    if len(cells) < columns or any(cell.strip() for cell in cells[columns:]):
        remedy = "; a text with a comma is put in quotes" if len(cells) > columns else ""
        raise Refused(f"{where} has {len(cells)} cells, {columns} are read{remedy}")
    return tuple(cells[:columns])


def _check_number(text: str, line: Line, name: str, known: dict[str, int]) -> None:
    earlier = known.setdefault(text, line.number)
    if earlier != line.number:
        raise Refused(f"{line.where} has the {name} {text}, and so has row {earlier}; each stands once")
    if text != str(line.number):
        raise Refused(
            f"{line.where} has the {name} {text[:20] or '(none)'} where {line.number} should be; it counts 1, 2, 3 "
            "without a gap"
        )
