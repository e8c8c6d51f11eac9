"""Rate limited: of many lines of one kind, print a few at once and the number of others a minute later.

A machine that dies takes many tasks with it, and a broken source fails every one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MOST = 3
EVERY_S = 60.0


@dataclass
class _Kind:
    """How many lines of one kind were printed since `began`, and how many held back."""

    began: float
    said: int = 0
    held: int = 0
    last: str = ""


class RateLimited:
    """Passes at most `MOST` lines of a kind in `EVERY_S`, and one for the rest."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def say(self, kind: str, text: str) -> list[str]:
        """The lines to print now: those that have waited long enough, and `text` unless it is held back."""
        lines = self.waited()
        found = self._kinds.setdefault(kind, _Kind(self._clock()))
        if found.said < MOST:
            found.said += 1
            return [*lines, text]
        found.held, found.last = found.held + 1, text
        return lines

    def waited(self, *, all_of_them: bool = False) -> list[str]:
        """One line for each kind whose held-back lines are due."""
        now, lines = self._clock(), []
        for name, kind in list(self._kinds.items()):
            if all_of_them or now - kind.began >= EVERY_S:
                del self._kinds[name]
                lines += [f"{name}: {kind.held:,} more, the last: {kind.last}"] if kind.held else []
        return lines
