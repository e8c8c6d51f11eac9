"""Read: what a reader finds in a reply, and what all readers need for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Read:
    """What a reply chooses: the place of an option in the order asked, and by which rule; None if it cannot be read."""

    place: int | None
    rule: str | None


UNREAD = Read(None, None)


def named(word: str, options: Sequence[str], rule: str) -> Read:
    """Return the first option whose text is `word`, regardless of case; unread if there is none."""
    texts = [option.strip().lower() for option in options]
    return Read(texts.index(word), rule) if word in texts else UNREAD


def by_letter(letter: str, options: Sequence[str], rule: str) -> Read:
    """Return the option of a capital letter; unread if no option has it."""
    place = LETTERS.find(letter) if letter else -1
    return Read(place, rule) if 0 <= place < len(options) else UNREAD
