"""Wording: how replies write letters and options, for our reader (ours.py)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from stages.evaluate.readers.read import LETTERS

THOUGHT = re.compile(r".*</think(?:ing)?>|<think(?:ing)?>.*", re.IGNORECASE | re.DOTALL)
SET_APART = re.compile(r"\\boxed\{(?:\\text\{)?(?P<boxed>[^{}]*)\}+|<answer>(?P<tagged>[^<]*)</answer>", re.IGNORECASE)
EMPHASIS = re.compile(r"[*`\"“”„«»$]|(?<!\w)['‘’]|['‘’](?!\w)|^#+ ", re.MULTILINE)

LETTER = r"(?P<letter>[A-Za-z])"
WHOLE_LABEL = re.compile(rf"(?:(?:option|choice|letter)\s+)?[(\[]?\s*{LETTER}\s*[)\]]?[.,:;!)]*", re.IGNORECASE)
LABEL_AND_WORDS = re.compile(
    rf"(?:option\s+)?[(\[]?\s*{LETTER}\s*(?:[)\].:,]+|\s[-–—]|\s(?=\())\s*(?P<words>.+)", re.IGNORECASE | re.DOTALL
)
LEADING_LABEL = re.compile(
    r"(?:[(\[]\s*(?=[A-Za-z]\s*[)\]]))?(?P<letter>[A-Za-z](?=\s*[)\].:])|[A-Z](?=,))[)\].:,]+(?=\s|$)"
)
LABEL = re.compile(r"(?:[(\[]\s*(?=[A-Za-z]\s*[)\]])|\b(?i:option|choice)\s+(?=[A-Za-z]\b))(?P<letter>[A-Za-z])")
# a capital A that begins a sentence is an article unless a verb, a mark or nothing follows
BARE_LETTER = re.compile(
    r"(?<![\w'’-])(?P<letter>[B-HJ-Z]|(?<=[a-z]\s)A|A(?=\s*(?:[.,;:!?)/\n]|$|(?:is|or|and)\b)))(?![\w'’-])"
)
ANSWER_IS = re.compile(
    r"\b(?:answer|option|choice)\s*(?:is\b\s*:?|would be\b|should be\b|:)\s*"
    r"|\bI(?:\s+would|'d)?\s+(?:choose|select|pick)\s+",
    re.IGNORECASE,
)
BECAUSE = r"\s*(?:[.,:;!?)\n]|$|\b(?:because|since|as)\b)"
STATED_LABEL = re.compile(
    rf"(?:(?i:option|choice)\s+)?(?:[(\[]\s*(?=[A-Za-z]\s*[)\]]))?(?P<letter>(?<=[(\[])[A-Za-z]|[B-HJ-Z](?![\w'’-])|[AI](?={BECAUSE}))"
)
QUESTIONED = re.compile(  # directly after a letter
    r"[)\].:,]*\s*(?:(?:or|and|/|,)\s*[(\[]?[A-Za-z]\b(?![A-Za-z'’])"
    r"|(?:is|was|would be|must be)\s*(?:n['’]t|not|wrong|incorrect|false))",
    re.IGNORECASE,
)
CLAUSE = re.compile(r"[^\n.!?]*")
SENTENCE = re.compile(r"[^\n.!?]+")
FIRST_WORD = re.compile(
    r"(?P<word>yes|no)(?=\s*(?:[.,:;!?\n-]|$)|\s+(?:it|there|he|she|they|this|that|these|those|the|I|we|you)\b)",
    re.IGNORECASE,
)
DENIES = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|unlike|instead|rather|than|except|wrong|incorrect|false)\b|n['’]t\b",
    re.IGNORECASE,
)
NAMES_NOTHING = frozenset(
    ["on", "in", "at", "up", "off", "out", "to", "by", "it", "is", "and", "or", "of", "one", "this"]
)


def plain(text: str) -> str:
    """Return the text without what was thought aloud, emphasis and empty lines; a boxed answer is one on a line."""
    text = THOUGHT.sub("", unicodedata.normalize("NFKC", text))
    text = SET_APART.sub(lambda found: f"\nAnswer: {found['boxed'] or found['tagged'] or ''}\n", text)
    lines = (" ".join(line.split()) for line in EMPHASIS.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)


def bare(text: str) -> str:
    """Return the text in lower case, without marks around it."""
    return text.casefold().strip(" .,:;!?()[]\n")


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
        place = LETTERS.index(found["letter"].upper())
        return [place] if self.lettered and place < len(self.texts) else []

    def called(self, text: str) -> list[int]:
        """Return the places of options with these very words, an article before them aside."""
        said = bare(text)
        said_without = re.sub(r"\A(?:the|an?)\s+", "", said)
        return [place for place, option in enumerate(self.texts) if option and option in (said, said_without)]

    def begins(self, text: str) -> list[int]:
        """Return the place of the longest option with which the text begins, if a clause ends there."""
        said = text.casefold()
        found = [
            place
            for place, option in enumerate(self.texts)
            if option and re.match(rf"(?:(?:the|an?)\s+)?{re.escape(option)}(?={BECAUSE})", said)
        ]
        return sorted(found, key=lambda place: -len(self.texts[place]))[:1]

    def mentioned(self, text: str) -> tuple[list[int], str]:
        """Return the places of options whose words occur in the text, and the text without these words."""
        places = []
        for place in sorted(range(len(self.texts)), key=lambda place: -len(self.texts[place])):
            words = re.compile(_whole(self.texts[place]), re.IGNORECASE)
            text, count = words.subn(" ", text) if self.texts[place] else (text, 0)
            places += [place] * (count > 0)
        return places, text


def _whole(words: str) -> str:
    """Return a pattern of an option's words: of those that mean nothing alone, only at the end of a sentence."""
    ends = r"(?=\s*(?:[.!?]|$))" if words in NAMES_NOTHING or re.fullmatch("[a-z]", words) else r"(?!\w|[.,]\d)"
    return rf"(?<![\w.]){re.escape(words)}{ends}"


def sentences(text: str) -> Iterator[str]:
    yield from (found.group() for found in SENTENCE.finditer(text))
