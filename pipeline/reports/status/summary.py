"""Summary: the output of `blindpairs status`, for a person (`str`) and for a program (`to_json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from manifests.counts import Counts
from manifests.damaged_shards import DamagedShard
from manifests.shard import SUFFIX
from pipeline.run.events.pace import duration_text, rate_text
from pipeline.run.layout import ORDER
from stages.text import plain, plain_lines, table

NOTHING = Counts()
LATE_S = 30.0  # a lease, plus the time a store may take
LINES = 10  # most lines of failures and of setbacks


@dataclass(frozen=True)
class StepStatus:
    """One step. `rate` (items per second) and `left_s` are None if it is not running, or no task has ended yet."""

    step: str
    state: str
    shards: int = 0
    planned: int | None = None
    counts: Counts = NOTHING
    unit: str = "rows"
    rate: float | None = None
    left_s: float | None = None
    workers: int | None = None
    gpu_use: float | None = None
    failures: tuple[Mapping[str, Any], ...] = ()
    set_back: tuple[Mapping[str, Any], ...] = ()
    damaged: tuple[DamagedShard, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        counts, many = self.counts.to_json(), {"failures": list(self.failures), "set_back": list(self.set_back)}
        return {**asdict(self), "counts": counts, **many, "failed": len(self.failures)}

    def cells(self) -> tuple[str, ...]:
        shards = f"{self.shards}/{'?' if self.planned is None else self.planned}"
        seen, ok = (f"{self.counts.seen:,}", f"{self.counts.ok:,}") if self.counts.seen else ("", "")
        failed, lost = (f"{count:,}" if count else "" for count in (len(self.failures), self.counts.lost))
        rate = "" if self.rate is None else rate_text(self.rate, self.unit)
        left = "" if self.left_s is None else duration_text(self.left_s)
        shown = "" if self.state == "waiting" else shards
        return (self.step, self.state, shown, seen, ok, lost, failed, rate, left, plain(self._notes()))

    def _notes(self) -> str:
        why = ", ".join(f"{reason} {count:,}" for reason, count in self.counts.rejected.items())
        aside = ", ".join(f"{name} {count:,}" for name, count in list(self.counts.aside.items())[:4])
        notes = [
            why,
            f"aside: {aside}" if aside else "",
            f"{self.workers} worker{'s' * (self.workers != 1)}" if self.workers else "",
        ]
        notes += ["" if self.gpu_use is None else f"GPUs {self.gpu_use:.0f} % busy"]
        notes += [f"{len(self.set_back)} set back" if self.set_back else "", self.note]
        return "; ".join(note for note in notes if note)


@dataclass(frozen=True)
class DriverStatus:
    """The process that drives the run, according to its folder.

    `alive` is known only on the driver's own machine, else None; `age_s` is the time since its last sign
    of life by the clocks of two machines, so it is only shown to people; 0 where the driver's clock is ahead.
    """

    host: str
    process: int
    since: str
    renewed: str
    alive: bool | None
    age_s: float
    last_event: str

    def lines(self) -> list[str]:
        who = f"process {self.process} on {self.host} since {self.since}"
        if self.alive is False:
            return [f"its driver, {who}, is gone; run the same command again to continue"]
        told = [f"driven by {who}, {self._sign()}"]
        return [*told, f"last event: {self.last_event}"] if self.last_event else told

    def _sign(self) -> str:
        if self.alive:
            return "which lives"
        sign = f"which renewed its lease {duration_text(self.age_s)} ago, if both machines' clocks are right"
        return sign if self.age_s < LATE_S else f"{sign}: it is probably gone, and the same command takes the run over"


@dataclass(frozen=True)
class RunEnd:
    """How the last driver ended, why, and when (UTC, ISO), as far as its events say.

    `how`: "done", "failed", "refused", "stopped", "unknown" without a final event, or "none" without any event.
    """

    how: str
    why: str = ""
    time: str | None = None

    def __str__(self) -> str:
        if self.how == "none":
            return "no process is running it, and there are no events of an earlier one"
        if self.how == "unknown":
            return (
                "no process is running it; the last one ended without saying how: it was killed, or its machine stopped"
            )
        return f"no process is running it; the last one ended: {self.how}{f': {self.why}' if self.why else ''}"


@dataclass(frozen=True)
class StatusSummary:
    """A run, step by step; its driver, or how the last one ended if there is none."""

    run: str
    steps: tuple[StepStatus, ...]
    driver: DriverStatus | None
    ended: RunEnd | None = None
    gallery: str | None = None
    recipe: str = ""  # of the last driver; empty if not known

    def to_json(self) -> dict[str, Any]:
        driver, ended = (None if one is None else asdict(one) for one in (self.driver, self.ended))
        steps = [one.to_json() for one in self.steps]
        return {"run": self.run, "driver": driver, "ended": ended, "steps": steps, "gallery": self.gallery}

    def __str__(self) -> str:
        head = ("step", "state", "shards", "seen", "ok", "rejected", "failed", "rate", "left", "left out, and notes")
        lines = [self.run, *self._who(), *table(head, [step.cells() for step in self.steps])]
        for step in self.steps:
            lines += _few("damaged", [f"{step.step}/{one.name}{SUFFIX} {one.why}" for one in step.damaged])
            lines += _few("failed", [f"{step.step}/{one.get('task')}: {one.get('error', '')}" for one in step.failures])
            lines += _few("set back", [_told(step.step, one) for one in step.set_back])
        return plain_lines([*lines, *self._repair(), *self._where_to_look()])

    def _repair(self) -> list[str]:
        if not any(step.damaged for step in self.steps if step.step in ORDER):
            return []
        command = plain(f"blindpairs repair {self.recipe or 'RECIPE'}")
        return [f"to repair: `{command}`, with the options of its `blindpairs run`, makes only these shards again"]

    def _where_to_look(self) -> list[str]:
        if self.gallery:
            return [f"gallery: {self.gallery}"]
        there = any(step.step == "pairs" and step.state == "committed" for step in self.steps)
        return [f"no gallery yet: `blindpairs report {self.run}` writes it"] if there and not self.driver else []

    def _who(self) -> list[str]:
        return [plain(line) for line in (self.driver.lines() if self.driver else [str(self.ended or "")])]


def _told(step: str, setback: Mapping[str, Any]) -> str:
    tries, attempts = setback.get("tries"), setback.get("attempts")
    again = f", try {tries} of {attempts}" if attempts else ""
    where = f" ({setback['where']})" if setback.get("where") else ""
    return f"{step}/{setback.get('task') or 'workers'}: {setback.get('why', '')}{where}{again}"


def _few(word: str, lines: list[str]) -> list[str]:
    """Return the last lines, and how many come before them."""
    more = [f"{word}: {len(lines) - LINES:,} more before these"] if len(lines) > LINES else []
    return more + [f"{word}: {plain(line)}" for line in lines[-LINES:]]
