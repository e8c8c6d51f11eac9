"""Reply: one reply as another program's file has it, with whatever the file says of its question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.errors import Refused
from manifests.tables import OK

MOST_CHARACTERS = 1 << 20  # of a reply: more are no reply, but a file of another kind


@dataclass(frozen=True)
class ImportedReply:
    """A reply. `where` is its place in the file, `number` that of its question among those in words, from 1.

    `prompt`, `question`, `options` and `answer` (the right one) are None where the file does not say them.
    """

    where: str
    number: int
    response: str | None
    status: str = OK
    error: str | None = None
    prompt: str | None = None
    question: str | None = None
    options: tuple[str, ...] | None = None
    answer: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


def response_of(value: Any, where: str) -> str:
    """Return a reply that is a text, unchanged. Raises Refused if it is none, too long, or not Unicode."""
    if not isinstance(value, str):
        raise Refused(f"{where}: its reply is {clipped(value)} and not a text; have the program write the file again")
    if len(value) > MOST_CHARACTERS:
        raise Refused(
            f"{where}: its reply has {len(value):,} characters, more than {MOST_CHARACTERS:,}; it is not a model's "
            "reply: name the file that the program wrote"
        )
    check_unicode(value, where)
    return value


def check_unicode(text: str, where: str) -> None:
    """Raise Refused for half of a surrogate pair, which JSON can write and no UTF-8 file can hold."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Refused(f"{where} has half of a character (a lone surrogate); have the program write the file again")


def text_of(values: Mapping[str, Any], name: str, where: str) -> str | None:
    """Return a text that may be missing. Raises Refused for anything else in its place."""
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused(f"{where}: its {name} is {clipped(value)} and not a text; have the program write the file again")
    check_unicode(value, where)
    return value


def checked(replies: Iterable[ImportedReply], uri: str) -> Sequence[ImportedReply]:
    """Return the replies. Raises Refused if there is none, or if two are to one question."""
    found: dict[int, ImportedReply] = {}
    for reply in replies:
        if (other := found.get(reply.number)) is not None:
            raise Refused(
                f"{reply.where} and {other.where} are both replies to question {reply.number}; "
                "give the file of one run of one model"
            )
        found[reply.number] = reply
    if not found:
        raise Refused(f"{uri} holds no reply; name the file that the program wrote after it had asked all questions")
    return list(found.values())


def clipped(value: object) -> str:
    """Return a value as a sentence may quote it."""
    return "missing" if value is None else repr(value)[:80]
