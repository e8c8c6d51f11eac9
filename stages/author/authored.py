"""Authored: what people have made of one pair so far. It may be half written; the questions table holds whole ones."""

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
MOST = 500  # characters of a question, an option, a statement: more is a mistake of pasting
CHOICES = {"decision": DECISIONS, "use": USES, "pattern": ("", *BY_NAME), "left_answer": ("", *LETTERS)}
TEXTS = ("question", "option_a", "option_b", "left_statement", "right_statement")
WORDS = (*TEXTS, "left_answer")  # of which somebody is the author

Ids = tuple[str, str]  # left_id, right_id


class Unwritable(ValueError):
    """A change that says what no pair can be; its text is a sentence for the person who wrote it."""


@dataclass(frozen=True)
class Authored:
    """One pair, `left_id` < `right_id`, as people have written it.

    The right answer for the right image is the other letter than `left_answer`: MMVP's pairs are opposite.
    `draft` names the model whose words these are until a person takes or changes them. `author` wrote words of it
    last, `writers` are all who ever did, a name a line; `changed_by` changed anything of it last; times are UTC, ISO
    8601. `version` counts changes up from 1; 0 is a pair that nobody has touched. `first` is the side that comes
    first, and `place` the pair's number, in the benchmark it was imported from; without them freezing decides.
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
        """Whether it is a whole question: words, two options, and which is right for which image (MMVP)."""
        return not self.question_lacks

    @property
    def states(self) -> bool:
        """Whether it is a whole pair of statements under a pattern (MMVP-VLM)."""
        return not self.statements_lack

    @property
    def whole(self) -> bool:
        """Whether it goes into the questions table when that is frozen: with a question, with statements, or both."""
        return self.decision == KEPT and not self.draft and (self.asks or self.states)

    @property
    def blank(self) -> bool:
        """Whether nothing is said of it any more, as where all was undone."""
        return self.decision == OPEN and not any(getattr(self, name) for name in (*WORDS, "pattern"))

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is still to be written, in words, of what was begun; of a question where nothing was."""
        if self.draft:
            return ("a person's yes to the draft",)
        stated = bool(self.left_statement or self.right_statement)
        asked = any((self.question, self.option_a, self.option_b, self.left_answer)) or not stated
        return (*(self.question_lacks if asked else ()), *(self.statements_lack if stated else ()))

    @property
    def question_lacks(self) -> tuple[str, ...]:
        """What a whole question needs that this one has not."""
        words = {"question": self.question, "option a": self.option_a, "option b": self.option_b}
        lost = [name for name, text in words.items() if not text]
        if self.option_a and self.option_a.casefold() == self.option_b.casefold():
            lost.append("two options that differ")
        if set("()") & set(self.option_a + self.option_b):
            lost.append("options without parentheses, at which MMVP's readers cut them")
        return (*lost, *(() if self.left_answer else ("which option is right",)))

    @property
    def statements_lack(self) -> tuple[str, ...]:
        """What a whole pair of statements needs that this one has not."""
        words = {"left statement": self.left_statement, "right statement": self.right_statement}
        lost = [name for name, text in (*words.items(), ("a pattern for its statements", self.pattern)) if not text]
        alike = self.left_statement and self.left_statement.casefold() == self.right_statement.casefold()
        return (*lost, *(("two statements that differ",) if alike else ()))

    def wrote(self, person: str) -> bool:
        """Whether words of it are this person's; `Ann` and `ann ` are one person."""
        names = filter(None, (self.author, *self.writers.split("\n")))
        return person.strip().casefold() in (name.strip().casefold() for name in names)

    def written_by(self, person: str) -> str:
        """Its `writers` with this person among them."""
        return "\n".join(dict.fromkeys((*filter(None, self.writers.split("\n")), person)))

    def answer(self, side: str) -> str:
        """The right letter for the image of this side; empty where nobody has said."""
        if not self.left_answer or side == "left":
            return self.left_answer
        return "b" if self.left_answer == "a" else "a"

    def statement(self, side: str) -> str:
        return self.left_statement if side == "left" else self.right_statement

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def person_named(name: str) -> str:
    """A person's name in one line. Raises Unwritable for one that is empty or no text."""
    if not (found := _plain(name)) or len(found) > MOST:
        raise Unwritable(f"a person's name is a line of text, not {name[:40]!r}")
    return found


def checked(changes: Mapping[str, Any]) -> dict[str, str]:
    """`changes` to a pair's own words and choices, in one line each, without white space at their ends.

    Raises Unwritable for a name that is none, a choice that is none, or a text of more than MOST characters.
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
    """`text` without control characters, which no reader of a benchmark expects, and with single spaces."""
    kinds = {character: unicodedata.category(character) for character in set(text)}
    if "Cs" in kinds.values():
        raise Unwritable("the text holds half a character, as where it was cut; write it again")
    return " ".join("".join(" " if kinds[one] == "Cc" else one for one in text).split())
