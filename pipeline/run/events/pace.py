"""Pace: how fast a step goes and how long it will take.

It is known from the tasks that have ended: when, where, and how long each took. A worker that ended one is taken to
have been at its next one since, so that shards in progress count. Before any has ended, it is known from the rows that
workers say they have seen.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

LATELY_S = 20.0  # or three tasks' time, where that is longer
LATE_TASKS = 4096  # remembered, at most


@dataclass(frozen=True)
class Late:
    """One task that ended: when, where, and how busy its GPUs were, in percent."""

    at: float
    where: str
    gpu_use: float | None


@dataclass
class Pace:
    """One step under one driver. Times are seconds of one clock, whichever."""

    total: int
    there: int  # shards that were there when it began: they say nothing of the rate
    began: float
    made: int = 0
    failed: int = 0
    seen: int = 0
    rejected: int = 0
    worked_s: float = 0.0
    to_do: int = 0  # rows of the tasks that were missing, about; 0: unknown
    under_way: dict[str, tuple[int, float]] = field(default_factory=dict)  # worker -> rows of its first task, seconds
    late: deque[Late] = field(default_factory=lambda: deque(maxlen=LATE_TASKS))

    def done(self, late: Late, seconds: float, seen: int, rejected: int) -> None:
        self.made, self.seen, self.rejected = self.made + 1, self.seen + seen, self.rejected + rejected
        self._ended(late, seconds)

    def lost(self, late: Late, seconds: float) -> None:
        """A task failed, for good."""
        self.failed += 1
        self._ended(late, seconds)

    def went_on(self, where: str, seen: int, seconds: float, to_do: int) -> None:
        """A worker has seen so many rows of its task in so many seconds, when none has ended yet."""
        if not self.made + self.failed:
            self.to_do, self.under_way = to_do, {**self.under_way, where: (seen, seconds)}

    def set_back(self, where: str) -> None:
        """What a worker had done of its task is lost."""
        self.under_way = {one: far for one, far in self.under_way.items() if one != where}

    @property
    def shards(self) -> int:
        """The shards that are there now."""
        return self.there + self.made

    def rate(self, now: float) -> float:
        """Rows seen per second of all workers that were heard from lately."""
        if not self.made + self.failed:
            return sum(seen / max(seconds, 1e-9) for seen, seconds in self.under_way.values())
        workers = self.workers(now)
        return self.seen / max(self.worked_s / workers if workers else now - self.began, 1e-9)

    def left_s(self, now: float) -> float | None:
        """Seconds left at this pace, or None while nothing is known of it."""
        ended = self.made + self.failed
        left = self.total - self.there - ended
        if not ended:
            return self._left_of_rows(now)
        each = self.worked_s / ended
        free = sorted(each - spent for spent in self._spent(now))  # seconds until each worker is free
        if not left or not free:  # none was heard from lately
            return left * (now - self.began) / ended
        if left <= len(free):
            return free[-1]  # a task that was begun last is ended last
        turns, worker = divmod(left - len(free) - 1, len(free))
        return max(free[-1], free[worker] + (turns + 1) * each)  # the last of the waiting tasks, each taken in turn

    def _left_of_rows(self, now: float) -> float | None:
        rate, seen = self.rate(now), sum(seen for seen, _ in self.under_way.values())
        return max(0.0, self.to_do - seen) / rate if rate and self.to_do else None

    def _spent(self, now: float) -> list[float]:
        """Seconds that each worker has been at its task, at most those of an average one."""
        each = self.worked_s / (self.made + self.failed)
        since = {late.where: late.at for late in self._lately(now)}
        return [min(now - at, each) for at in since.values()]

    def workers(self, now: float) -> int:
        """How many workers were heard from lately."""
        if not self.made + self.failed:
            return len(self.under_way)
        return len({late.where for late in self._lately(now)})

    def gpu_use(self, now: float) -> float | None:
        """Percent of the time GPUs were busy in tasks that ended lately; None where there are none."""
        uses = [late.gpu_use for late in self._lately(now) if late.gpu_use is not None]
        return sum(uses) / len(uses) if uses else None

    def _ended(self, late: Late, seconds: float) -> None:
        self.worked_s += seconds
        self.late.append(late)

    def _lately(self, now: float) -> list[Late]:
        since = now - max(LATELY_S, 3 * self.worked_s / max(self.made + self.failed, 1))
        return [late for late in list(self.late) if late.at >= since]  # a copy: a live view asks from its own thread


def pace_text(pace: Pace, unit: str, now: float) -> str:
    """The pace as a person reads it, in the units of what is seen; empty while nothing is known of it."""
    left_s, use, workers = pace.left_s(now), pace.gpu_use(now), pace.workers(now)
    if left_s is None and not pace.under_way:
        return ""
    words = [rate_text(pace.rate(now), unit)]
    words += [f"{duration_text(left_s)} left"] if left_s is not None else []
    words += [f"{workers} worker{'s' * (workers > 1)}"] if workers else []
    words += [f"GPUs {use:.0f} % busy"] if use is not None else []
    words += [f"{pace.rejected:,} rejected"] if pace.rejected else []
    return ", ".join(words + ([f"{pace.failed:,} failed"] if pace.failed else []))


def rate_text(rate: float, unit: str) -> str:
    """A rate per second, with as many digits as matter."""
    return f"{rate:,.0f} {unit}/s" if rate >= 10 else f"{rate:.2g} {unit}/s"


def duration_text(seconds: float) -> str:
    """Seconds in the units a person would use."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
