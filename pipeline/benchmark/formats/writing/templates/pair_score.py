"""Pair accuracy of a result of VLMEvalKit: python pair_score.py RESULT (.tsv, .csv or .xlsx).

The questions are those of answers.csv beside this file; the rows 2k - 1 and 2k are a pair, in whatever order the result
has them. A reply is read as Cambrian-1's scorer of MMVP does: the letter or the option's words, after "answer is" or
"answer:" if it says so; and beyond that both together (`B. Closed`). A column `hit` is believed instead.
"""

from __future__ import annotations

import csv
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


class Unusable(Exception):
    """A result that cannot be scored; its text says why."""


def bare(text: str) -> str:
    """Lower case, without points, commas, colons and brackets around it."""
    return re.sub(r"\s+", " ", text.lower()).strip(" .,:()[]{}")


def chosen(reply: str, options: Mapping[str, str]) -> str | None:
    """The letter that a reply names; None where it names none. A reply that is a letter is that letter."""
    said = bare(re.split(r"answer is|answer:", reply.lower())[-1])
    if said.upper() in options:
        return said.upper()
    for letter, words in options.items():
        joined = rf"{letter.lower()}[\s.,:()\[\]]+{re.escape(bare(words))}"
        if said and (said == bare(words) or re.fullmatch(joined, said)):
            return letter
    return None


def rows_of(path: Path) -> list[Row]:
    """A table's rows by the names in its first one."""
    if path.suffix.lower() == ".xlsx":
        return _rows_of_sheet(path)
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ","))


def _rows_of_sheet(path: Path) -> list[Row]:
    try:
        import openpyxl  # type: ignore
    except ImportError as error:
        raise Unusable(f"{path} needs openpyxl: pip install openpyxl, or save it as .csv") from error
    cells = list(openpyxl.load_workbook(path, read_only=True).active.iter_rows(values_only=True))
    return [dict(zip(cells[0], row)) for row in cells[1:]]


def number_of(row: Row, path: Path) -> int:
    try:
        return int(float(row["index"]))
    except (TypeError, ValueError, OverflowError) as error:
        raise Unusable(f"{path} has a row whose index is {row['index']!r}, not a number") from error


def told(value: Any) -> str:
    return "" if value is None else str(value)


def result_of(path: Path, asked: Mapping[int, Row]) -> dict[int, Row]:
    """Index -> row of a result. Raises Unusable where it is of other questions, or says a thing twice."""
    found: dict[int, Row] = {}
    for row in rows_of(path):
        if "index" not in row or not {"prediction", "hit"} & set(row):
            raise Unusable(f"{path} needs a column index, and prediction or hit; it has {', '.join(map(str, row))}")
        number = number_of(row, path)
        if number in found:
            raise Unusable(f"{path} has the index {number} twice; give one model's result")
        question = told(row.get("question", asked.get(number, {}).get("question"))).strip()
        if number not in asked or question != asked[number]["question"]:
            raise Unusable(f"{path} has a row {number} that is not a question of this benchmark, or of another version")
        found[number] = row
    return found


def letter_of(row: Row, asked: Row) -> str | None:
    """What was chosen; where VLMEvalKit has judged it, the right letter or no letter that is one."""
    if judged := told(row.get("hit")):
        return str(asked["answer"]) if judged.lower() in ("1", "1.0", "true") else "wrong"
    return chosen(told(row.get("prediction")), {letter: asked[letter] for letter in "AB"})


def share(right: Iterable[bool]) -> str:
    each = list(right)
    return f"{sum(each) / len(each):.4f}  ({sum(each)} of {len(each)})"


def listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")


def report(asked: Mapping[int, Row], result: Mapping[int, Row]) -> list[str]:
    """The lines that are printed."""
    letters = {number: letter_of(result[number], asked[number]) for number in sorted(result)}
    right = {number: letters.get(number) == row["answer"] for number, row in asked.items()}
    pairs = {number: right[number] and right[number + 1] for number in sorted(asked) if number % 2}
    lines = [f"question accuracy  {share(right.values())}", f"pair accuracy      {share(pairs.values())}"]
    for category in sorted({row["category"] for row in asked.values()}):
        among = [number for number in pairs if asked[number]["category"] == category]
        lines.append(f"  {category:<17}{share(pairs[number] for number in among)}")
    if missing := [number for number in asked if number not in result]:
        lines.append(f"{len(missing)} questions are missing, and count as wrong: {listed(missing)}")
    if unclear := [number for number, letter in letters.items() if letter is None]:
        lines.append(f"{len(unclear)} replies name neither option, and count as wrong: {listed(unclear)}")
    return lines


def main() -> int:
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python pair_score.py RESULT (.tsv, .csv or .xlsx)\n")
        return 2
    path = Path(sys.argv[1])
    try:
        asked = {int(row["index"]): row for row in rows_of(Path(__file__).with_name("answers.csv"))}
        lines = report(asked, result_of(path, asked))
    except (Unusable, OSError, UnicodeDecodeError, csv.Error, zipfile.BadZipFile) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
