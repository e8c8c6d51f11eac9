"""Workbook: the rows of a sheet of an .xlsx, which openpyxl reads once it is installed (the extra `xlsx`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from manifests.errors import Refused
from stages.text import size_text

MOST_IN_A_CELL = 32_767  # characters: the format's own limit, at which writers cut a text off
MOST_UNPACKED = 1 << 30  # bytes: a workbook is a ZIP, and a small one may hold far more
REMEDY = "have VLMEvalKit write a TSV (PRED_FORMAT=tsv)"


def sheet_of(data: bytes, uri: str, sheet: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, column -> value) of each row below the first that has a value; numbered from 1, as in a TSV.

    `sheet`: its name, by default the first one. Raises Refused if openpyxl is missing, the file is not a workbook, or
    it has no such sheet.
    """
    _check_packed(data, uri)
    rows = iter(_rows(data, uri, sheet))
    head = ["" if name is None else str(name) for name in next(rows, ())]
    for number, cells in enumerate(rows, 1):
        if any(cell is not None for cell in cells):
            yield f"row {number} of {uri}", dict(zip_longest(head, cells[: len(head)]))


def _check_packed(data: bytes, uri: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Refused(f"{uri} is not an Excel workbook ({error}); {REMEDY}") from error
    if unpacked > MOST_UNPACKED:
        raise Refused(f"{uri} unpacks to {size_text(unpacked)}, more than {size_text(MOST_UNPACKED)}; {REMEDY}")


def _rows(data: bytes, uri: str, sheet: str | None) -> list[tuple[Any, ...]]:
    try:
        import openpyxl
    except ImportError as error:
        raise Refused(
            f"{uri} is an Excel workbook, and reading it needs openpyxl; run pip install 'blindpairs[xlsx]' on every "
            f"machine, or {REMEDY}"
        ) from error
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        names, chosen = book.sheetnames, sheet
        if sheet is None:
            chosen = next(iter(names), None)
        found = None
        if chosen in names:
            book[chosen].reset_dimensions()  # some writers state none, or wrong ones
            found = list(book[chosen].iter_rows(values_only=True))
    except MemoryError:
        raise
    except Exception as error:  # the library raises anything about a file that is not a workbook
        raise Refused(
            f"{uri} cannot be read as an Excel workbook ({type(error).__name__}: {error}); {REMEDY}"
        ) from error
    if found is None:
        raise Refused(f"{uri} has no sheet {sheet!r}; it has {', '.join(names)[:200] or 'none'}")
    return found
