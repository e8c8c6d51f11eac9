"""VLMEvalKit's replies: the table MODEL_DATA.xlsx or .tsv that it writes, one row a question, numbered from 1.

Source: open-compass/VLMEvalKit, vlmeval/inference.py: the columns of the data without the images, and `prediction`.
A row 0 is the one that our export adds where pandas would change words (pipeline/benchmark/formats/writing/vlmevalkit).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from manifests.errors import Refused
from stages import images
from stages.evaluate.files import refused_if_unreadable, text_of
from stages.evaluate.imports.base import ANOTHER, Found, Row, field, one_line
from stages.evaluate.prompts import lettered
from stages.evaluate.readers.vlmevalkit import NO_ANSWER

PROGRAM = "VLMEvalKit"
EXCEL, TEXT = ".xlsx", (".tsv", ".csv")
NO_QUESTION = 0
MOST = 1_000_000  # rows of a sheet that Excel holds


def read(uri: str) -> Iterator[Found]:
    """Yield the replies. Raises Refused if the file is none of VLMEvalKit's."""
    head, *rows = _table(uri) or [[]]
    for number, cells in enumerate(rows, 2):
        where, row = f"row {number} of {uri}", dict(zip(map(str, head), cells, strict=False))
        if (place := _number(field(row, ("index",), object, where, PROGRAM), where)) == NO_QUESTION:
            continue
        response = str(field(row, ("prediction",), object, where, PROGRAM))
        failed = f"{PROGRAM} got no reply ({NO_ANSWER})" if NO_ANSWER in response else None

        def same(question: Row, told: dict[str, Any] = row) -> bool:
            words = [("question", question["question"]), *lettered(question["options"])]
            return all(one_line(told.get(name, "")) == one_line(text) for name, text in words)

        yield Found(where, place, response, same, failed=failed)


def _number(value: Any, where: str) -> int:
    """Return the index; pandas writes whole numbers as 3 or 3.0."""
    text = str(value).removesuffix(".0")
    if not text.isascii() or not text.isdigit():
        raise Refused(
            f"{where}: its index is {str(value)[:60]!r} and not a number; export the questions again, and run it"
        )
    return int(text)


def _table(uri: str) -> list[Sequence[Any]]:
    """Return the rows of a table, its head first. Raises Refused if it is none."""
    if uri.endswith(EXCEL):
        return _sheet(uri)
    if not uri.endswith(TEXT):
        raise Refused(f"{uri} is no table of {PROGRAM}: it ends in neither {EXCEL} nor {' nor '.join(TEXT)}")
    between = "\t" if uri.endswith(TEXT[0]) else ","
    with refused_if_unreadable(uri, "a table", ANOTHER):
        return list(csv.reader(io.StringIO(text_of(uri, "a table", ANOTHER), newline=""), delimiter=between))


def _sheet(uri: str) -> list[Sequence[Any]]:
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise Refused(
            f"{uri}: install openpyxl to read it (pip install 'blindpairs[xlsx]'), or save it as .tsv"
        ) from error
    with refused_if_unreadable(uri, "an Excel file", ANOTHER), images.opened(uri) as file:
        try:
            sheet = load_workbook(io.BytesIO(file.read()), read_only=True, data_only=True).active
        except Exception as error:  # openpyxl raises almost anything for a file that is none
            raise ValueError(f"{type(error).__name__}: {error}") from error
        rows = sheet.iter_rows(values_only=True, max_row=MOST) if sheet is not None else ()
        return [["" if cell is None else cell for cell in row] for row in rows]
