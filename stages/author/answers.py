"""Answers: what people chose, image by image, without knowing what is right. Stored with what they were asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from stages.author.authored import Authored


@dataclass(frozen=True)
class Answer:
    """One person's choice for one image of one pair. `asked` shows whether the question is still the same."""

    left_id: str
    right_id: str
    side: str
    person: str
    chosen: str  # a or b
    asked: str
    at: str  # UTC, ISO 8601


def asked(pair: Authored) -> str:
    """Return 16 hex digits of what a person is asked; they change with any word of it, not with the right answer."""
    words = (pair.question, pair.option_a, pair.option_b)
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
