"""Options: where a reply names the options of a question, by letter or by their words, for our reader (ours.py)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from stages.evaluate.readers.read import LETTERS
from stages.evaluate.readers.wording import CLAUSE_ENDS, bare, plain

NAMES_NOTHING = frozenset(
    ["on", "in", "at", "up", "off", "out", "to", "by", "it", "is", "and", "or", "of", "one", "this"]
)  # options of these words are looked for at the end of a sentence only


@dataclass(frozen=True)
class Options:
    """The options in the order asked; `lettered`: whether the prompt gave them letters."""

    written: Sequence[str]
    lettered: bool

    @cached_property
    def texts(self) -> tuple[str, ...]:
        return tuple(bare(plain(option)) for option in self.written)

    @property
    def yes_no(self) -> bool:
        return set(self.texts) == {"yes", "no"}

    def of_letter(self, found: re.Match[str]) -> list[int]:
        """Return the place of the letter a pattern found; empty if no option has it."""
        place = LETTERS.find(found["letter"].upper())  # -1: without regard to case, "İ" is in [a-z] too
        return [place] if self.lettered and 0 <= place < len(self.texts) else []

    def called(self, text: str) -> list[int]:
        """Return the places of options with these very words, an article before them aside."""
        said = bare(text)
        said_without = re.sub(r"\A(?:the|an?) +", "", said)
        return [place for place, option in enumerate(self.texts) if option and option in (said, said_without)]

    def begins(self, text: str) -> list[int]:
        """Return the places of the longest option with which the text begins, if a clause ends there."""
        said = text.casefold()
        found = [
            place
            for place, option in enumerate(self.texts)
            if option and re.match(rf"(?:(?:the|an?) +)?{re.escape(option)}(?={CLAUSE_ENDS})", said)
        ]
        longest = max((len(self.texts[place]) for place in found), default=0)
        return [place for place in found if len(self.texts[place]) == longest]

    def mentioned(self, text: str) -> tuple[set[int], str]:
        """Return the places of options whose words occur in the text, and the text without these words.

        Words inside a longer option's words do not count: "not open" does not mention "open" if both are options.
        """
        spans = [
            (*found.span(), place)
            for place, words in enumerate(self.texts)
            if words
            for found in re.finditer(_whole(words), text, re.IGNORECASE)
        ]
        left = list(text)
        for start, end, _ in spans:
            left[start:end] = " " * (end - start)
        return {place for start, end, place in spans if not _inside_longer(start, end, spans)}, "".join(left)


def _inside_longer(start: int, end: int, spans: Sequence[tuple[int, int, int]]) -> bool:
    return any(first <= start and end <= last and last - first > end - start for first, last, _ in spans)


def _whole(words: str) -> str:
    """Return a pattern of an option's words; not those after a hyphen, as in "half-open"."""
    ends = r"(?=\s*(?:[.!?]|$))" if words in NAMES_NOTHING or re.fullmatch("[a-z]", words) else r"(?!\w|[.,]\d)"
    return rf"(?<![\w.-]){re.escape(words)}{ends}"
