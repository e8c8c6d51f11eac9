"""Event stats: counts, pace, failures and setbacks of one uncommitted step, from the event log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from manifests.counts import Counts
from pipeline.run.events.events import Event
from pipeline.run.events.pace import Late, Pace

NOTHING = Counts()


@dataclass
class EventStats:
    """Statistics of one step over all drivers that worked on it; `pace` is the last driver's."""

    done: dict[str, Counts] = field(default_factory=dict)
    failed: dict[str, Event] = field(default_factory=dict)
    set_back: list[Event] = field(default_factory=list)
    pace: Pace | None = None
    unit: str = "rows"
    last_at: float = 0.0

    def counts(self, there: Collection[str]) -> Counts:
        """Return the sum over the shards that exist."""
        return sum((counts for task, counts in self.done.items() if task in there), NOTHING)

    def unheard(self, there: Collection[str]) -> int:
        """Return how many existing shards no event mentions: a log was removed, or not written in time."""
        return sum(task not in self.done for task in there)


def event_stats_of(step: str, fingerprints: Collection[str], drives: Iterable[Sequence[Event]]) -> EventStats:
    """Collect the events of a step with these fingerprints; events of other fingerprints are ignored."""
    heard = EventStats()
    for events in drives:
        ours = False
        for event in events:
            if event.get("step") != step:
                continue
            if event["event"] == "step started":
                ours = event.get("fingerprint") in fingerprints
            if ours and (at := seconds_of(event.get("time"))) is not None:
                heard.last_at = at
                _hear(heard, event, at)
    return heard


def _hear(heard: EventStats, event: Event, at: float) -> None:
    task = str(event.get("task", ""))
    late = Late(at, str(event.get("where", "")), event.get("gpu_use"))
    seconds = _number(event.get("seconds"))
    if event["event"] == "step started":
        heard.pace = Pace(int(_number(event.get("tasks"))), int(_number(event.get("there"))), at)
        heard.failed.clear()  # failed tasks are tried again
        heard.unit = str(event.get("unit", heard.unit))
    elif event["event"] == "task done":
        counts = _counts(event)
        heard.done[task] = counts
        if heard.pace:
            heard.pace.done(late, seconds, counts.seen, counts.lost)
    elif event["event"] == "task failed":
        heard.failed[task] = event
        if heard.pace:
            heard.pace.lost(late, seconds)
    elif event["event"] == "set back":
        heard.set_back.append(event)


def _counts(event: Event) -> Counts:
    """Return an event's counts; NOTHING where a later version writes them differently."""
    try:
        rejected, aside = ({str(why): int(n) for why, n in event.get(of, {}).items()} for of in ("rejected", "aside"))
        return Counts(int(event["seen"]), int(event["ok"]), rejected, aside)
    except (KeyError, TypeError, ValueError, OverflowError):
        return NOTHING


def seconds_of(time: object) -> float | None:
    """Return an ISO time in seconds, by the clock of the process that wrote it; None if it is not an ISO time."""
    try:
        return datetime.fromisoformat(str(time)).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
