"""Progress: what a person sees during a run: a live view on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from manifests.counts import Counts
from manifests.manifest import Manifest
from pipeline.executors.executor import Retry
from pipeline.executors.logs import is_verbose
from pipeline.executors.worker import InProgress, Outcome
from pipeline.run.events.listener import Ending, Listener
from pipeline.run.events.live_view import StepState, StepView, view
from pipeline.run.events.pace import Late, Pace, pace_text
from pipeline.run.events.rate_limited import RateLimited
from pipeline.run.recipe import Step
from pipeline.run.resolve import Resolution, State
from stages.text import plain

LINE_EVERY_S = 60.0
TICK_S = 1.0
STANDS = {Ending.FAILED: StepState.FAILED, Ending.REFUSED: StepState.FAILED, Ending.STOPPED: StepState.STOPPED}


class Progress(Listener):
    """Shows each step's start, pace and end on stderr."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._clock = clock
        self._few = RateLimited(clock)
        self._live: Live | None = None
        self._sights: dict[str, StepView] = {}
        self._told_at = 0.0
        self._turn, self._ended = threading.Lock(), threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._keep_ticking, name="progress", daemon=True).start()
        if self._console.is_terminal and not is_verbose():  # logs would break what is redrawn
            self._live = Live(
                console=self._console, get_renderable=lambda: view(list(self._sights.values()), self._clock())
            )
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._live:
            self._live.transient = error is None  # the answer says it all; an error leaves how far it came
            self._live.stop()

    def said(self, text: str) -> None:
        self.say(text)

    def resolved(self, resolutions: Sequence[Resolution], where: str) -> None:
        self._sights = {one.step.name: StepView(one.step.name, one.step.stage.unit) for one in resolutions}
        if where:
            self.say(where)

    def taken(self, resolution: Resolution, manifest: Manifest) -> None:
        step, shards = resolution.step, len(manifest.shards)
        self.say(f"{step.name:<11} taken as it is: {counts_text(manifest.counts, step.stage.unit)}")
        if resolution.unseen:
            self.say(f"{step.name:<11} not looked at again, for it cannot be: {resolution.unseen}")
        sight = self._sight(step)
        sight.stand, sight.pace = StepState.TAKEN, Pace(shards, shards, self._clock())
        sight.words = _in_short(manifest.counts, step.stage.unit)

    def started(self, resolution: Resolution, tasks: int, there: int) -> None:
        step, self._told_at = resolution.step, self._clock()
        sight = self._sight(step)
        sight.stand, sight.pace = StepState.RUNNING, Pace(tasks, there, self._clock())
        if resolution.state is State.EXTEND:
            self.say(f"{step.name:<11} grows: {tasks - there} new shard{'s' * (tasks - there != 1)}")
        if resolution.state is State.REBUILD:
            own = [str(one) for one in resolution.changed if not one.name.startswith("inputs.")]
            self.say(f"{step.name:<11} made again: {'; '.join(own[:4]) or 'a step that it is made from has changed'}")
        there_already = f", {there} of them there already" if there else ""
        if there or not self._live:
            self.say(f"{step.name:<11} started: {tasks} shard{'s' * (tasks != 1)}{there_already}")

    def in_progress(self, step: Step, so_far: InProgress, to_do: int) -> None:
        self._pace(step).went_on(so_far.where, so_far.seen, so_far.seconds, to_do)

    def advanced(self, step: Step, outcome: Outcome) -> None:
        pace = self._pace(step)
        late = Late(self._clock(), outcome.where, outcome.gpu_use)
        if outcome.receipt is None:
            pace.lost(late, outcome.seconds)
            self._say_few(f"{step.name:<11} failed tasks", f"{step.name:<11} {outcome.name} failed: {outcome.error}")
        else:
            pace.done(late, outcome.seconds, outcome.receipt.counts.seen, outcome.receipt.counts.lost)

    def set_back(self, step: Step, setback: Retry) -> None:
        self._pace(step).set_back(setback.where)
        again = f", try {setback.tries} of {setback.attempts}" if setback.attempts else ""
        where = f" ({setback.where})" if setback.where else ""
        text = f"{step.name:<11} {setback.task or 'workers'}: {setback.why}{where}{again}"
        machine = setback.where.rpartition(":")[0]
        self._say_few(f"{step.name:<11} set back{' on ' * bool(machine)}{machine}", text)

    def committed(self, step: Step, manifest: Manifest) -> None:
        sight, spent = self._sight(step), self._clock() - self._pace(step).began
        self._say_waited()
        self.say(f"{step.name:<11} {counts_text(manifest.counts, step.stage.unit)}; {spent:.1f} s")
        sight.stand, sight.words = StepState.DONE, f"{_in_short(manifest.counts, step.stage.unit)}; {spent:.1f} s"

    def ended(self, how: Ending, why: str) -> None:
        self._say_waited()
        for sight in self._sights.values():
            if sight.stand is StepState.RUNNING:
                sight.stand = STANDS.get(how, StepState.DONE)

    def tick(self) -> None:
        """Print what is due: held-back lines and, in a log, the step's progress once a minute."""
        with self._turn:
            self._say_all(self._few.waited())
            now = self._clock()
            if self._live or now - self._told_at < LINE_EVERY_S:
                return
            self._told_at = now
            for sight in list(self._sights.values()):
                if sight.stand is StepState.RUNNING and (pace := sight.pace):
                    words = pace_text(pace, sight.unit, now) or "none has ended yet"
                    self.say(f"{sight.name:<11} {pace.shards} of {pace.total} shards, {words}")

    def say(self, text: str) -> None:
        """Print one line; in a log it starts with the time, in UTC."""
        time_first = "" if self._console.is_terminal else f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} "
        with suppress(OSError):  # nobody can read it; the run is worth more, and the event log says it too
            self._console.print(time_first + plain(text), markup=False, soft_wrap=True)

    def _sight(self, step: Step) -> StepView:
        return self._sights.setdefault(step.name, StepView(step.name, step.stage.unit))

    def _pace(self, step: Step) -> Pace:
        pace = self._sight(step).pace
        assert pace is not None, "a step is started before anything comes of it"
        return pace

    def _keep_ticking(self) -> None:
        while not self._ended.wait(TICK_S):
            self.tick()

    def _say_few(self, kind: str, text: str) -> None:
        with self._turn:
            self._say_all(self._few.say(kind, text))

    def _say_waited(self) -> None:
        with self._turn:
            self._say_all(self._few.waited(all_of_them=True))

    def _say_all(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.say(line)


def counts_text(counts: Counts, unit: str) -> str:
    """Counts for people: how many were seen, how many are ok, and why the rest are not."""
    lost = f", {counts.lost:,} rejected ({_list(counts.rejected)})" if counts.lost else ""
    aside = f"; aside: {_list(counts.aside)}" if counts.aside else ""
    return f"{counts.seen:,} {unit} seen, {counts.ok:,} ok{lost}{aside}"


def _in_short(counts: Counts, unit: str) -> str:
    return f"{counts.seen:,} {unit}" + (f", {counts.lost:,} rejected" if counts.lost else "")


def _list(tally: object, most: int = 6) -> str:
    entries = [f"{name} {count:,}" for name, count in tally.items()] if isinstance(tally, dict) else []
    return ", ".join(entries[:most]) + (f" and {len(entries) - most} more kinds" if len(entries) > most else "")
