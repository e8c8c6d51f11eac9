"""Opaque: what questions and photos are called on the page of one who answers, which tells nothing of them.

An HMAC (RFC 2104) with a key that lies in the authors' store: who has no key cannot tell which two questions are of
one pair, which image is its left one, or which image of the run it is. Each person's names are their own, and stay
the same when the server is started anew.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from pipeline.benchmark.asking import Asked
from stages.author.answers import asked


@dataclass(frozen=True)
class OpaqueNames:
    """One person's names, of 32 hex digits."""

    key: bytes = field(repr=False)
    person: str

    def question(self, one: Asked) -> str:
        """Another one as soon as a word of the question is changed."""
        return self._name("question", one, asked(one[0]))

    def photo(self, one: Asked) -> str:
        """One for each question: an image that stands in two pairs has two."""
        return self._name("photo", one)

    def _name(self, what: str, one: Asked, *more: str) -> str:
        pair, side = one
        text = "\0".join((what, self.person, pair.left_id, pair.right_id, side, *more))
        return hmac.digest(self.key, text.encode(), hashlib.sha256).hex()[:32]
