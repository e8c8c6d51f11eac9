"""Rate limited: of many lines of one kind a few are said at once, the others counted and said together a minute later.

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
    """What was said of one kind since `began`, and what was not."""

    began: float
    said: int = 0
    held: int = 0
    last: str = ""


class RateLimited:
    """Says at most `MOST` lines of a kind in `EVERY_S`, and one for the rest."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def say(self, kind: str, text: str) -> list[str]:
        """The lines to say now: what has waited long enough, and `text`, if it is one of the few."""
        lines = self.waited()
        found = self._kinds.setdefault(kind, _Kind(self._clock()))
        if found.said < MOST:
            found.said += 1
            return [*lines, text]
        found.held, found.last = found.held + 1, text
        return lines

    def waited(self, *, all_of_them: bool = False) -> list[str]:
        """A line for each kind of which some were held back long enough."""
        now, lines = self._clock(), []
        for name, kind in list(self._kinds.items()):
            if all_of_them or now - kind.began >= EVERY_S:
                del self._kinds[name]
                lines += [f"{name}: {kind.held:,} more, the last: {kind.last}"] if kind.held else []
        return lines
