"""Reading: which option a reply chooses, by the rules of one scorer or another. What cannot be read is never guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Read:
    """What a reply chooses: the place of an option in the order asked, and by which rule; None if it cannot be read."""

    place: int | None
    rule: str | None


@dataclass(frozen=True)
class Reader:
    """A scorer's rules. `read(response, options, kind)`: options in the order asked; kind is choice or yes_no."""

    read: Callable[[str, Sequence[str], str], Read]
    version: int = 1  # raised when the same reply is read otherwise


READERS: Mapping[str, Reader] = {}
