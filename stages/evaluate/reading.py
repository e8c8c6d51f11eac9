"""Reading: which option a reply chooses, by the rules of one scorer or another.

A reply that the rules cannot read is unread: it is never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stages.evaluate.readers import cambrian, lmms_eval, ours, pope, vlmevalkit
from stages.evaluate.readers.read import Read


@dataclass(frozen=True)
class Reader:
    """A scorer's rules. `read(response, options, kind)`: options in the order asked; kind is choice or yes_no."""

    read: Callable[[str, Sequence[str], str], Read]
    version: int = 1  # raised when the same reply is read otherwise


READERS: Mapping[str, Reader] = {
    "ours": Reader(ours.read),
    "cambrian": Reader(cambrian.read),
    "lmms-eval": Reader(lmms_eval.read),
    "vlmevalkit": Reader(vlmevalkit.read),
    "pope": Reader(pope.read),
}
