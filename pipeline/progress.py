"""Progress: what a person sees while a run goes on. Bars on a terminal; elsewhere a line a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from manifests.counts import Counts
from manifests.manifest import Manifest
from pipeline.answers import plain
from pipeline.recipe import Step
from pipeline.survey import Finding, State
from pipeline.worker import Outcome

LINE_EVERY_S = 60.0


@dataclass
class Pace:
    """How fast one step goes: counts from when it started in this run."""

    total: int
    began: float
    done: int = 0
    failed: int = 0
    made: int = 0  # shards made in this run; those found already there say nothing of the rate
    seen: int = 0

    def rate(self, now: float) -> float:
        """Things seen per second in this run."""
        return self.seen / max(now - self.began, 1e-9)

    def left_s(self, now: float) -> float | None:
        """Seconds left at this pace, or None before the first shard is made."""
        return (self.total - self.done) * (now - self.began) / self.made if self.made else None


class Progress:
    """Tells each step's start, pace and end on stderr."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._clock = clock
        self._bars: Bars | None = None
        self._bar = TaskID(0)
        self._pace = Pace(0, 0.0)
        self._told_at = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            columns = (TextColumn("{task.description:<11}"), BarColumn(), MofNCompleteColumn(), TextColumn("shards"))
            self._bars = Bars(*columns, TextColumn("{task.fields[pace]}"), TimeElapsedColumn(), console=self._console)
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bars:
            self._bars.stop()

    def taken(self, finding: Finding, manifest: Manifest) -> None:
        step = finding.step
        self._say(f"{step.name:<11} taken as it is: {told(manifest.counts, step.stage.unit)}")
        if finding.unseen:
            self._say(f"{step.name:<11} not looked at again, for it cannot be: {finding.unseen}")

    def started(self, finding: Finding, tasks: int) -> None:
        self._pace, self._told_at = Pace(tasks, self._clock()), self._clock()
        if finding.state is State.REMAKE:
            self._say(f"{finding.step.name:<11} made again: {'; '.join(map(str, finding.changed[:4]))}")
        if self._bars:
            self._bar = self._bars.add_task(finding.step.name, total=tasks, pace="")

    def found(self, step: Step, shards: int) -> None:
        self._pace.done = shards
        if shards:
            self._say(f"{step.name:<11} {shards} of {self._pace.total} shards are there already")
        self._show(step)

    def advanced(self, step: Step, outcome: Outcome) -> None:
        pace = self._pace
        pace.done, pace.made = pace.done + 1, pace.made + 1
        if outcome.receipt is None:
            pace.failed += 1
            self._say(f"{step.name:<11} {outcome.name} failed: {outcome.error}")
        else:
            pace.seen += outcome.receipt.counts.seen
        self._show(step)

    def committed(self, step: Step, manifest: Manifest) -> None:
        spent = self._clock() - self._pace.began
        self._say(f"{step.name:<11} {told(manifest.counts, step.stage.unit)}; {spent:.1f} s")
        if self._bars:
            self._bars.remove_task(self._bar)

    def _show(self, step: Step) -> None:
        now, pace = self._clock(), self._pace
        left = pace.left_s(now)
        words = f"{pace.rate(now):,.0f} {step.stage.unit}/s, {_duration(left)} left" if left is not None else ""
        if self._bars:
            self._bars.update(self._bar, completed=pace.done, pace=words)
        elif now - self._told_at >= LINE_EVERY_S:
            self._told_at = now
            self._say(f"{step.name:<11} {pace.done} of {pace.total} shards, {pace.failed} failed, {words}")

    def _say(self, text: str) -> None:
        self._console.print(plain(text), markup=False, soft_wrap=True)


def told(counts: Counts, unit: str) -> str:
    """Counts as a person reads them: what was seen, what went on, and why the rest did not."""
    lost = f", {counts.lost:,} rejected ({_list(counts.rejected)})" if counts.lost else ""
    aside = f"; aside: {_list(counts.aside)}" if counts.aside else ""
    return f"{counts.seen:,} {unit} seen, {counts.ok:,} ok{lost}{aside}"


def _list(tally: object, most: int = 6) -> str:
    entries = [f"{name} {count:,}" for name, count in tally.items()] if isinstance(tally, dict) else []
    return ", ".join(entries[:most]) + (f" and {len(entries) - most} more kinds" if len(entries) > most else "")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
