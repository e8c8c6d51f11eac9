"""Reading Hugging Face: the folder that writing/huggingface.py writes, or the hub's version of it, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.errors import Refused
from pipeline.benchmark.formats.reading.disputed import AS_FOUND
from pipeline.benchmark.formats.reading.published import (
    IMPORTED,
    Published,
    PublishedPair,
    Shown,
    fault_of,
    text_of,
    whole,
)
from pipeline.benchmark.formats.reading.times import moment
from pipeline.benchmark.formats.writing.huggingface import COLUMNS
from stages.author.authored import LETTERS
from stages.parquet_bytes import Cell
from stages.patterns import BY_NAME

BYTES = "image.bytes"
SAID = ("index", "question", "options", "answer", "statement", "pattern", "author", "authored_at")
ROWS_AT_ONCE = 16  # their images are in memory at the same time
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A row: its number from 1 across all files, which is its index, the cell of its image, and its values."""

    number: int
    cell: Cell
    values: Values

    @property
    def where(self) -> str:
        return f"row {self.number} ({self.cell.file})"


def read_huggingface(folder: Path, answers: str) -> Published:
    """Read the benchmark in `folder`. Raises Refused, naming row and file, for anything not as it was written."""
    if answers != AS_FOUND:
        raise Refused(f"--answers {answers} is about the published folder of MMVP; import that with --format mmvp")
    rows = list(_rows(folder))
    if not rows or len(rows) % 2:
        raise Refused(f"{folder} has {len(rows)} rows; a pair is two consecutive rows, so their number is even")
    pairs = tuple(_pair(first, second) for first, second in zip(rows[::2], rows[1::2], strict=True))
    return Published("parquet", str(folder), pairs)


def _rows(folder: Path) -> Iterator[Row]:
    """Yield every row of every file; its image is decoded once and not kept."""
    files = sorted(file for file in folder.rglob("*.parquet") if not _is_hidden(file.relative_to(folder)))
    if not files:
        raise Refused(f"{folder} holds no Parquet file; a data set of the hub has them in data/")
    number = 0
    for file in files:
        with _opened(file) as parquet:
            _check_columns(parquet.schema_arrow, file)
            for place, values in enumerate(_values(parquet, file)):
                number += 1
                row = Row(number, Cell(str(file), BYTES, place), values)
                _check(row)
                yield Row(number, row.cell, {name: values[name] for name in SAID})


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)


def _opened(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise Refused(
            f"{file} cannot be read as Parquet ({' '.join(str(error).split())}); download it again"
        ) from error


def _values(parquet: pq.ParquetFile, file: Path) -> Iterator[Values]:
    try:
        for batch in parquet.iter_batches(ROWS_AT_ONCE, columns=[*SAID, "image"]):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise Refused(f"{file} does not read whole ({' '.join(str(error).split())}); download it again") from error


def _check_columns(schema: pa.Schema, file: Path) -> None:
    """Raise Refused if a required column is missing or of another kind; the hub may have made texts large."""
    for name in ("image", *SAID):
        wanted = COLUMNS.field(name).type
        there = schema.field(name).type if name in schema.names else None
        if there is None or _kind(there) != _kind(wanted):
            raise Refused(
                f"{file} has {'no column' if there is None else f'{there} in its column'} {name}, where "
                f"`blindpairs export --format huggingface` writes {wanted}"
            )


def _kind(kind: pa.DataType) -> str:
    """Return a column's kind in a word, however Arrow stores it."""
    if pa.types.is_struct(kind):
        fields = sorted(f"{field.name} {_kind(field.type)}" for field in kind)
        return f"struct of {', '.join(fields)}"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list of {_kind(kind.value_type)}"
    tests = {"text": ("string", "large_string"), "bytes": ("binary", "large_binary"), "number": ("int32", "int64")}
    return next((word for word, names in tests.items() if str(kind) in names), str(kind))


def _check(row: Row) -> None:
    if row.values["index"] != row.number:
        raise Refused(f"{row.where} has the index {row.values['index']}; it counts 1, 2, 3 without a gap")
    data = (row.values["image"] or {}).get("bytes")
    if fault := fault_of(data) if data else "there are no bytes":
        place = f"{row.cell.column}[{row.cell.row}]"
        raise Refused(f"{row.where}: its {place} does not decode ({fault}); download the file again")


def _pair(first: Row, second: Row) -> PublishedPair:
    both = f"rows {first.number} and {second.number} ({first.cell.file})"
    for name in ("question", "options", "pattern"):
        if first.values[name] != second.values[name]:
            raise Refused(f"{both} differ in {name}; the two rows of a pair have the same")
    pattern = first.values["pattern"] or ""
    if pattern and pattern not in BY_NAME:
        raise Refused(f"{both} have the pattern {pattern[:40]!r}; patterns are: {', '.join(BY_NAME)}")
    question, option_a, option_b = _asked(first)
    one, other = (_shown(row, bool(question), bool(pattern)) for row in (first, second))
    if question and one.answer == other.answer:
        raise Refused(f"{both} both have the answer {one.answer}; of a pair one is a and the other is b")
    if bool(one.statement) != bool(other.statement):
        raise Refused(f"{both} do not have a statement each, that is true of its own image only")
    if not question and not one.statement:
        raise Refused(f"{both} neither ask nor state anything")
    author, at = first.values["author"] or IMPORTED, first.values["authored_at"] or ""
    _check_time(at, both)
    return whole(PublishedPair(one, other, question, option_a, option_b, pattern, author, at), both)


def _check_time(text: str, both: str) -> None:
    try:
        _ = text and moment(text)
    except ValueError as error:
        raise Refused(f"{both} were written at {text[:40]!r}, which is not a time") from error


def _asked(row: Row) -> tuple[str, str, str]:
    """Return the question and its options; empty if nothing is asked."""
    question, options = row.values["question"], row.values["options"] or []
    if question is None and not options:
        return "", "", ""
    if len(options) != 2:
        raise Refused(f"{row.where} has {len(options)} options; a question has two")
    a, b = (text_of(f"option {name}", text or "", row.where) for name, text in zip("ab", options, strict=True))
    return text_of("question", question or "", row.where), a, b


def _shown(row: Row, asks: bool, named: bool) -> Shown:
    answer, statement = row.values["answer"] or "", row.values["statement"]
    if asks and answer not in LETTERS:
        raise Refused(f"{row.where}: its answer {answer[:20]!r} is neither a nor b")
    if statement is not None and not named:
        raise Refused(f"{row.where} has a statement and no pattern; MMVP-VLM's statements stand under one")
    text = "" if statement is None else text_of("statement", statement, row.where)
    return Shown(str(row.cell), answer if asks else "", text)
