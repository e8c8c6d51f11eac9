"""Progress: show on stderr how far lint is: a bar on a terminal, elsewhere one line per minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

LINE_EVERY_S = 60.0
SHOW_EVERY_S = 0.1  # a member is read faster than a bar is drawn


class Passing:
    """Shows how many bytes of a source have been read."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._clock = clock
        self._live = self._console.is_terminal
        self._told_at, self._part = clock(), "listing"
        self._done = self._total = 0
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._bar = Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True)
        self._task = self._bar.add_task(self._part, total=None)

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live:
            self._bar.stop()

    def expect(self, size: int) -> None:
        """Set the total number of bytes that will be read."""
        self._total = size
        self._bar.update(self._task, total=size or None)
        self.say("reading")

    def beat(self, more: int) -> None:
        """Report that `more` further bytes have been read."""
        self.at(self._done + more)

    def at(self, done: int) -> None:
        """Report that `done` bytes have been read in total."""
        self._done, now = done, self._clock()
        if now - self._told_at < (SHOW_EVERY_S if self._live else LINE_EVERY_S):
            return
        self._told_at = now
        if self._live:
            self._bar.update(self._task, completed=done)
        else:
            gigabytes = f"{done / 1e9:,.1f} of {self._total / 1e9:,.1f} GB"
            self._console.print(f"lint: {self._part}, {gigabytes} read", markup=False, soft_wrap=True)

    def say(self, what: str) -> None:
        """Report that another part of the work begins."""
        self._part = what
        self._bar.update(self._task, description=what)
