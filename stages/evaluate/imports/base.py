"""Base: what a file of replies says of one question, and the checks that all kinds of files share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.errors import Refused

Row = Mapping[str, Any]
ANOTHER = "name the file that the program wrote"


@dataclass(frozen=True)
class Found:
    """One reply in a file. `where`: the file and the line or row, for a sentence.

    `number`: of the question among those that are asked in words, from 1, in the benchmark's order, as the exports
    number them. `same(question)`: whether the file shows the words of this question. `failed`: why there is no reply.
    """

    where: str
    number: int
    response: str
    same: Callable[[Row], bool]
    prompt: str = ""  # what the model was given, "" if the file does not say
    failed: str | None = None


Reader = Callable[[str], Iterator[Found]]  # a file's URL -> its replies


def field(row: Mapping[str, Any], names: tuple[str, ...], kind: type, where: str, program: str) -> Any:
    """Return the first of these fields that a row has. Raises Refused if it has none, or one of another type."""
    name = next((one for one in names if one in row), names[0])
    value = row.get(name)
    if value is None or not isinstance(value, kind) or isinstance(value, bool):
        what = "missing" if value is None else repr(value)[:60]
        raise Refused(f"{where}: its {name} is {what}, so it is no reply that {program} wrote; name another file")
    return value


def one_line(text: object) -> str:
    """Return a text with each stretch of white space as one space: programs and tables keep lines differently."""
    return " ".join(str(text).split())
