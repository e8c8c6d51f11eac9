"""Prompts: the forms in which a question is put, each to the letter as its project puts it.

A form also says how replies are generated and by which rule its own scorer reads them. Figures of different forms
must not be compared: the same model got 24.7 and 22.7 by two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from manifests.evaluation_tables import AS_WRITTEN, YES_NO
from stages.models.answering.base import Generation
from stages.models.answering.settings import PromptForm

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Form:
    """One way to put a question. `words(question, options)` is the prompt without the image, which comes first."""

    words: Callable[[str, Sequence[str]], str]
    yes_no: Callable[[str], str]
    generation: Generation
    reader: str  # of reading.READERS
    label: Callable[[str], str] = str  # how a letter stands in the prompt: "A", or "(a)"
    orders: tuple[str, ...] = (AS_WRITTEN,)
    version: int = 1  # raised when the same question is put in other words

    def prompt(self, kind: str, question: str, options: Sequence[str]) -> str:
        """Return the words for a question of this kind, its options in the order in which they are asked."""
        return self.yes_no(question) if kind == YES_NO else self.words(question, options)

    def labels(self, count: int) -> tuple[str, ...]:
        return tuple(self.label(letter) for letter in LETTERS[:count])


def _letter(question: str, options: Sequence[str]) -> str:
    listed = "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))
    return f"{question} Options:\n{listed}\nAnswer with the option's letter from the given choices directly."


def _word(question: str) -> str:
    return f"{question}\nAnswer the question using a single word or phrase."


FORMS: Mapping[PromptForm, Form] = {
    "letter": Form(_letter, _word, Generation(512), "cambrian"),
}
