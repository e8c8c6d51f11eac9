"""Progress: show on stderr how far lint is: a bar on a terminal, elsewhere one line per minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from threading import Event, Thread

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

LINE_EVERY_S = 60.0
BAR_EVERY_S = 0.1


@dataclass
class Passed:
    """What lint does now, and how many bytes of the source it has read."""

    what: str = "listing"
    read: int = 0
    total: int | None = None  # None: not yet known

    def beat(self, more: int) -> None:
        """Count `more` further bytes as read."""
        self.read += more

    def __str__(self) -> str:
        return f"lint: {self.what}, {self.read / 1e9:,.1f} of {(self.total or 0) / 1e9:,.1f} GB read"


@contextmanager
def shown(passed: Passed, console: Console | None = None) -> Iterator[None]:
    """Show `passed`, as it changes, while the block runs."""
    console, ended = console or Console(stderr=True, highlight=False), Event()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    live = console.is_terminal
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
    task = bar.add_task(passed.what, total=None)

    def keep_showing() -> None:
        while not ended.wait(BAR_EVERY_S if live else LINE_EVERY_S):
            bar.update(task, description=passed.what, completed=passed.read, total=passed.total)
            if not live:
                console.print(str(passed), markup=False, soft_wrap=True)

    with bar if live else nullcontext():
        Thread(target=keep_showing, name="progress", daemon=True).start()
        try:
            yield
        finally:
            ended.set()
