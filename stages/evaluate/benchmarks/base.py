"""Base: the protocol of benchmarks, which give questions as rows of the asked table, and the checks of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from manifests.errors import Refused
from manifests.evaluation_tables import ASKED, CHOICE, YES_NO

Row = dict[str, Any]  # a value for each column of ASKED
ANSWERS = ("yes", "no")  # the options of a question of kind yes_no
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Benchmark(Protocol):
    """The questions of a run or of published files. Reading them reads no image."""

    def state(self) -> Mapping[str, Any]:
        """Return what identifies the questions, as plain JSON.

        Raises Refused, naming file, row and column, if anything is missing or cannot be what it should be.
        """
        ...

    def rows(self) -> Iterator[Row]:
        """Yield the questions, the rows of a group after one another. Raises Refused as `state` does.

        `length` and `sha256` are None where only reading the image can tell them.
        """
        ...


def choice(question: str, options: list[str], answer: str, where: str) -> Row:
    """Return the columns of a question with options. `answer`: a letter, in either case, with or without parentheses.

    `where` begins the sentence. Raises Refused if there are fewer than two options, or if the answer is none of them.
    """
    letters = LETTERS[: len(options)]
    if not 2 <= len(options) <= len(LETTERS):
        raise Refused(f"{where} has {len(options)} options; a question has 2 to {len(LETTERS)}: correct the file")
    letter = answer.strip().strip("()").lower()
    if len(letter) != 1 or letter not in letters:
        raise Refused(
            f"{where}: its answer {answer[:40]!r} is none of ({letters[0]}) to ({letters[-1]}); correct the file"
        )
    return {"kind": CHOICE, "question": question, "options": options, "answer": letter}


def yes_no(question: str, answer: str, where: str) -> Row:
    """Return the columns of a question that is answered by yes or no. Raises Refused for another answer."""
    word = answer.strip().lower()
    if word not in ANSWERS:
        raise Refused(f"{where}: its answer {answer[:40]!r} is neither yes nor no; correct the file")
    return {"kind": YES_NO, "question": question, "options": list(ANSWERS), "answer": LETTERS[ANSWERS.index(word)]}


def in_groups(found: Iterable[tuple[str, Row]]) -> Iterator[Row]:
    """Yield complete rows, numbered as found, the rows of a group after one another, groups by their first row.

    `found`: where a question stands, and what is known about it. Raises Refused for a question that stands twice.
    """
    groups: dict[str, list[Row]] = {}
    places: dict[str, str] = {}
    for place, (where, known) in enumerate(found, 1):
        name = known["question_id"]
        if name in places:
            raise Refused(f"{where} and {places[name]} are both the question {name}; remove one of them")
        places[name] = where
        row: Row = {**dict.fromkeys(ASKED.columns.names), **known, "place": place}
        groups.setdefault(known["group"], []).append(row)
    for rows in groups.values():
        images = list(dict.fromkeys(row["image_id"] for row in rows if row["image_id"] is not None))
        yield from (row | {"images": images} for row in rows)
