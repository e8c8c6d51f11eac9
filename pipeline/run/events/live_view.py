"""Live view: all steps of a run at a glance, redrawn on a terminal a few times a second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.run.events.pace import Pace, duration_text, pace_text

BAR_WIDTH = 16


class StepState(StrEnum):
    """The state of a step on the screen."""

    WAITING = "waiting"
    TAKEN = "taken"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


STYLES = {
    StepState.DONE: "green",
    StepState.TAKEN: "green",
    StepState.RUNNING: "bold",
    StepState.FAILED: "red",
    StepState.WAITING: "dim",
}


@dataclass
class StepView:
    """One step on the screen; `words` replace the pace when it is over."""

    name: str
    unit: str
    stand: StepState = StepState.WAITING
    pace: Pace | None = None
    words: str = ""


def view(sights: Iterable[StepView], now: float) -> Group:
    """One line per step: name, state, bar, shards, pace; and an empty line below, for a terminal's ^C."""
    table = Table.grid(padding=(0, 2))
    for column in range(5):
        table.add_column(no_wrap=column < 4)
    for sight in sights:
        table.add_row(*_cells(sight, now))
    return Group(table, Text(" "))


def _cells(sight: StepView, now: float) -> tuple[RenderableType, ...]:
    stand = Text(sight.stand, STYLES.get(sight.stand, "yellow"))
    pace = sight.pace
    if pace is None:
        return (sight.name, stand, "", "", sight.words)
    bar = ProgressBar(max(pace.total, 1), pace.shards if pace.total else 1, BAR_WIDTH)
    words = sight.words or pace_text(pace, sight.unit, now) or f"{duration_text(now - pace.began)} so far"
    return (sight.name, stand, bar, f"{pace.shards}/{pace.total} shards", words)
