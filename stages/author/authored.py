"""Authored: what people have written for a pair so far. It may be unfinished; the questions table has complete ones."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stages.patterns import BY_NAME

OPEN, KEPT, REJECTED, DUPLICATE = "open", "kept", "rejected", "duplicate"
DECISIONS = (OPEN, KEPT, REJECTED, DUPLICATE)
BENCHMARK, TRAINING = "benchmark", "training"
USES = (BENCHMARK, TRAINING)
SIDES = ("left", "right")
LETTERS = ("a", "b")
MOST = 500  # characters of a question, an option, a statement: more is a pasting mistake
CHOICES = {"decision": DECISIONS, "use": USES, "pattern": ("", *BY_NAME), "left_answer": ("", *LETTERS)}
TEXTS = ("question", "option_a", "option_b", "left_statement", "right_statement")
WORDS = (*TEXTS, "left_answer")  # which have an author

Ids = tuple[str, str]  # left_id, right_id


class Unwritable(ValueError):
    """A change that is not valid for any pair; its text is a sentence for the person who wrote it."""


@dataclass(frozen=True)
class Authored:
    """One pair, `left_id` < `right_id`, as people have written it.

    The correct answer for the right image is the letter other than `left_answer`: MMVP's pairs are opposite.
    `draft` names the model that wrote the words, until a person accepts or changes them. `author` last wrote any of
    the words, `writers` are all who ever did, one name per line; `changed_by` last changed anything; times are UTC,
    ISO 8601. `version` counts changes from 1; 0 is a pair that nobody has touched. `first` is the side that comes
    first, and `place` the pair's number, in the benchmark it was imported from; without them, freezing decides.
    """

    left_id: str
    right_id: str
    decision: str = OPEN
    use: str = BENCHMARK
    pattern: str = ""
    question: str = ""
    option_a: str = ""
    option_b: str = ""
    left_answer: str = ""
    left_statement: str = ""
    right_statement: str = ""
    first: str = ""
    place: int = 0
    draft: str = ""
    author: str = ""
    authored_at: str = ""
    writers: str = ""
    changed_by: str = ""
    changed_at: str = ""
    version: int = 0

    @property
    def ids(self) -> Ids:
        return self.left_id, self.right_id

    @property
    def asks(self) -> bool:
        """Whether it is a complete question: words, two options, and which is right for which image (MMVP)."""
        return not self.question_lacks

    @property
    def states(self) -> bool:
        """Whether it is a complete pair of statements under a pattern (MMVP-VLM)."""
        return not self.statements_lack

    @property
    def whole(self) -> bool:
        """Whether freezing puts it into the questions table: with a question, with statements, or both."""
        return self.decision == KEPT and not self.draft and (self.asks or self.states)

    @property
    def blank(self) -> bool:
        """Whether nobody decided on it or wrote a word: all was undone, or only a key was pressed on empty fields."""
        return self.decision == OPEN and not any(getattr(self, name) for name in TEXTS)

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is still to be written, in words, of what was begun; of a question if nothing was begun."""
        if self.draft:
            return ("a person's yes to the draft",)
        stated = bool(self.left_statement or self.right_statement)
        asked = any((self.question, self.option_a, self.option_b, self.left_answer)) or not stated
        return (*(self.question_lacks if asked else ()), *(self.statements_lack if stated else ()))

    @property
    def question_lacks(self) -> tuple[str, ...]:
        """What a complete question needs that this one lacks."""
        words = {"the question": self.question, "option a": self.option_a, "option b": self.option_b}
        lost = [name for name, text in words.items() if not text]
        if self.option_a and self.option_a.casefold() == self.option_b.casefold():
            lost.append("two options that differ")
        if set("()") & set(self.option_a + self.option_b):
            lost.append("options without parentheses, at which MMVP's readers cut them")
        return (*lost, *(() if self.left_answer else ("the right answer",)))

    @property
    def statements_lack(self) -> tuple[str, ...]:
        """What a complete pair of statements needs that this one lacks."""
        words = {"the left statement": self.left_statement, "the right statement": self.right_statement}
        lost = [name for name, text in (*words.items(), ("a pattern for its statements", self.pattern)) if not text]
        alike = self.left_statement and self.left_statement.casefold() == self.right_statement.casefold()
        return (*lost, *(("two statements that differ",) if alike else ()))

    def wrote(self, person: str) -> bool:
        """Return whether any of its words are this person's; `Ann` and `ann ` are one person."""
        names = filter(None, (self.author, *self.writers.split("\n")))
        return person.strip().casefold() in (name.strip().casefold() for name in names)

    def written_by(self, person: str) -> str:
        """Return its `writers` with this person among them."""
        return "\n".join(dict.fromkeys((*filter(None, self.writers.split("\n")), person)))

    def answer(self, side: str) -> str:
        """Return the correct letter for the image on this side; empty if nobody has chosen one."""
        if not self.left_answer or side == "left":
            return self.left_answer
        return "b" if self.left_answer == "a" else "a"

    def statement(self, side: str) -> str:
        return self.left_statement if side == "left" else self.right_statement

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def person_named(name: str) -> str:
    """Return a person's name in one line. Raises Unwritable for a name that is empty or not a text."""
    if not (found := _plain(name)) or len(found) > MOST:
        raise Unwritable(f"a person's name is a line of text, not {name[:40]!r}")
    return found


def checked(changes: Mapping[str, Any]) -> dict[str, str]:
    """Return `changes` to a pair's own words and choices, in one line each, without white space at their ends.

    Raises Unwritable for an unknown name, an unknown choice, or a text of more than MOST characters.
    """
    found: dict[str, str] = {}
    for name, value in changes.items():
        if name not in (*TEXTS, *CHOICES) or not isinstance(value, str):
            raise Unwritable(f"{name!r} cannot be written so; known are: {', '.join((*TEXTS, *CHOICES))}, all texts")
        text = _plain(value)
        if name in CHOICES and text not in CHOICES[name]:
            raise Unwritable(f"{name} is one of {', '.join(filter(None, CHOICES[name]))}, not {value[:40]!r}")
        if len(text) > MOST:
            raise Unwritable(f"{name} has {len(text)} characters; at most {MOST} are taken")
        found[name] = text
    return found


def _plain(text: str) -> str:
    """Return `text` without control characters, which no reader of a benchmark expects, and with single spaces."""
    kinds = {character: unicodedata.category(character) for character in set(text)}
    if "Cs" in kinds.values():
        raise Unwritable("the text holds half a character, as where it was cut; write it again")
    return " ".join("".join(" " if kinds[one] == "Cc" else one for one in text).split())
