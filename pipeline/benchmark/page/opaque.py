"""Opaque: names of questions and photos on the page of the person who answers, which reveal nothing about them.

An HMAC (RFC 2104) with a key that is stored in the authors' store: without the key nobody can tell which two questions
belong to one pair, which image is its left one, or which image of the run it is. Each person has their own names, which
are the same after the server restarts.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from pipeline.benchmark.asking import Asked
from stages.author.answers import asked


@dataclass(frozen=True)
class OpaqueNames:
    """One person's names, each of 32 hex digits."""

    key: bytes = field(repr=False)
    person: str

    def question(self, one: Asked) -> str:
        """Return the question's name, which changes as soon as a word of the question changes."""
        return self._name("question", one, asked(one[0]))

    def photo(self, one: Asked) -> str:
        """Return the photo's name, one for each question: an image that is in two pairs has two."""
        return self._name("photo", one)

    def _name(self, what: str, one: Asked, *more: str) -> str:
        pair, side = one
        text = "\0".join((what, self.person, pair.left_id, pair.right_id, side, *more))
        return hmac.digest(self.key, text.encode(), hashlib.sha256).hex()[:32]
