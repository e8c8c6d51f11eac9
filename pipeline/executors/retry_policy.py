"""Retry policy: which task is next, and whether a failed one is tried again.

A task's own failure ends it. A lost worker, or a store that did not answer, costs it one of its
`attempts`. A full disk or too little memory does not, where there is another machine to try: each machine
fails so only once (scheduler.py). A machine that went away (a spot node) is not the task's doing either, so
it may lose many more of those.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from pipeline.executors.executor import Retry
from pipeline.executors.worker import Fault, Outcome
from stages.base import Task

MACHINES = 10  # that may go away under one task: more, and it is the task that brings them down
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  # before a store is asked again


class RetryPolicy:
    """The queue of a step's tasks."""

    def __init__(self, tasks: Sequence[Task], attempts: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._waiting = list(reversed(tasks))  # the next one last
        self._attempts, self._clock = attempts, clock
        self._lost, self._machines_gone = Counter[str](), Counter[str]()
        self._not_before: dict[str, float] = {}

    def __len__(self) -> int:
        """How many tasks wait, for a worker or for their next attempt."""
        return len(self._waiting)

    def next(self) -> Task | None:
        """The next task that may be tried now, if any."""
        now = self._clock()
        for place in range(len(self._waiting) - 1, -1, -1):
            if self._not_before.get(self._waiting[place].name, now) <= now:
                return self._waiting.pop(place)
        return None

    def stop(self) -> None:
        """Give out no more tasks: they would all fail."""
        self._waiting.clear()

    def wait_s(self) -> float | None:
        """Seconds until the next delayed task may be tried again; None if none is delayed."""
        now = self._clock()
        waits = [self._not_before[task.name] - now for task in self._waiting if task.name in self._not_before]
        return min((wait for wait in waits if wait > 0), default=None)

    def lost(self, task: Task, why: str, where: str, *, machine_gone: bool) -> Outcome | Retry:
        """Handle a task whose worker died or took too long, or whose whole machine went away."""
        tally, most = (self._machines_gone, MACHINES) if machine_gone else (self._lost, self._attempts)
        tally[task.name] += 1
        if tally[task.name] >= most:
            return Outcome(task.name, error=f"{why}, {tally[task.name]} times", fault=Fault.MACHINE, where=where)
        self._waiting.append(task)
        return Retry(task.name, why, where, tally[task.name], most)

    def failed(self, task: Task, outcome: Outcome, *, elsewhere: bool) -> Outcome | Retry:
        """Handle a task that ended with an error: its outcome, or a Retry if it will be tried again.

        `elsewhere`: there is a machine that has not failed a task yet.
        """
        if outcome.fault in (Fault.MACHINE, Fault.DISK) and elsewhere:
            self._waiting.append(task)
            return Retry(task.name, outcome.error or "", outcome.where)
        if outcome.fault is not Fault.STORE:
            return outcome
        self._lost[task.name] += 1
        if (tries := self._lost[task.name]) >= self._attempts:
            return outcome
        self._not_before[task.name] = self._clock() + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (tries - 1))
        self._waiting.append(task)
        return Retry(task.name, outcome.error or "", outcome.where, tries, self._attempts)
