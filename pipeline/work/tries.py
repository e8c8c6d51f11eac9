"""Tries: which task is next, and what a failure makes of it: another try, or the end of it.

A task's own failure ends it. A lost worker, or a store that did not answer, costs it one of its
`attempts`; a full disk or too little memory does so only where another machine is left to try. A machine
that went away (a spot node) is not the task's doing, so it may lose many more of those.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence

from pipeline.work.executor import Setback
from pipeline.work.worker import Fault, Outcome
from stages.base import Task

MACHINES = 10  # that may go away under one task: more, and it is the task that brings them down
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  # before a store is asked again


class Tries:
    """The tasks of a step that wait for a worker."""

    def __init__(self, tasks: Sequence[Task], attempts: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._waiting = list(reversed(tasks))  # the next one last
        self._attempts, self._clock = attempts, clock
        self._lost, self._machines_gone = Counter[str](), Counter[str]()
        self._not_on: defaultdict[str, set[str]] = defaultdict(set)  # task -> machines that were no good for it
        self._not_before: dict[str, float] = {}

    def __len__(self) -> int:
        """How many wait, for a worker or for their time."""
        return len(self._waiting)

    def next(self, machine: str, machines: Collection[str]) -> Task | None:
        """A task for a worker on `machine`, if one waits that may be tried now, and there."""
        now = self._clock()
        for place in range(len(self._waiting) - 1, -1, -1):
            task = self._waiting[place]
            if self._not_before.get(task.name, now) <= now and self._may_try(task, machine, machines):
                return self._waiting.pop(place)
        return None

    def wait_s(self) -> float | None:
        """Seconds until the next of those that must wait may be tried again; None where none must."""
        now = self._clock()
        waits = [self._not_before[task.name] - now for task in self._waiting if task.name in self._not_before]
        return min((wait for wait in waits if wait > 0), default=None)

    def lost(self, task: Task, why: str, where: str, *, machine_gone: bool) -> Outcome | Setback:
        """The task's worker died, or took too long; or its whole machine went away."""
        tally, most = (self._machines_gone, MACHINES) if machine_gone else (self._lost, self._attempts)
        tally[task.name] += 1
        if tally[task.name] >= most:
            return Outcome(task.name, error=f"{why}, {tally[task.name]} times", fault=Fault.MACHINE, where=where)
        self._waiting.append(task)
        return Setback(task.name, why, where, tally[task.name], most)

    def failed(self, task: Task, outcome: Outcome, machine: str, machines: Collection[str]) -> Outcome | Setback:
        """The task came back with an error: as it is, or the setback it is where it will be tried again."""
        if outcome.fault is Fault.MACHINE:
            self._not_on[task.name].add(machine)
        elsewhere = set(machines) - self._not_on[task.name]
        if outcome.fault is Fault.TASK or (outcome.fault is Fault.MACHINE and not elsewhere):
            return outcome
        self._lost[task.name] += 1
        tries = self._lost[task.name]
        if tries >= self._attempts:
            return outcome
        if outcome.fault is Fault.STORE:
            self._not_before[task.name] = self._clock() + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (tries - 1))
        self._waiting.append(task)
        return Setback(task.name, outcome.error or "", outcome.where, tries, self._attempts)

    def _may_try(self, task: Task, machine: str, machines: Collection[str]) -> bool:
        no_good = self._not_on.get(task.name)
        return not no_good or machine not in no_good or not set(machines) - no_good
