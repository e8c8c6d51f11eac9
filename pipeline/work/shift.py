"""Shift: one step's work, spread over a crew: which worker has which task in hand, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from manifests.errors import Refused, TasksFailed
from pipeline.config import WorkerSettings
from pipeline.work.crew import Crew, Lost, Member, Place
from pipeline.work.executor import Setback
from pipeline.work.identity import identity
from pipeline.work.serving import Hello, Prepare, SetupFailed
from pipeline.work.tries import Tries
from pipeline.work.worker import Fault, Job, Outcome
from stages.base import Task

TOLD_EVERY_S = 60.0  # that no worker has come


def work(
    crew: Crew, job: Job, tasks: Sequence[Task], workers: WorkerSettings, places: Sequence[Place]
) -> Iterator[Outcome | Setback]:
    """Make the tasks with a worker at each of these places. See Executor.execute."""
    shift = Shift(crew, job, Tries(tasks, workers.attempts, crew.clock), workers)
    shift.begin(places)
    while shift.goes_on:
        yield from shift.outcomes()
    for member in [member for member in crew.members if member.job is not job]:
        crew.end(member)  # one that never came: it would hold what the next step asks for


@dataclass
class Shift:
    """One step's work: what each worker has in hand, and what comes of it."""

    crew: Crew
    job: Job
    tries: Tries
    workers: WorkerSettings
    setups_lost: int = 0
    alone_since: float = 0.0
    machines: set[str] = field(default_factory=set)  # that a worker of this step may be on

    def begin(self, places: Sequence[Place]) -> None:
        self.alone_since = self.crew.clock()
        self.machines = self.crew.room.machines(places[0])
        left = self.crew.take(places)
        for member in self.crew.members:
            self._give(member, Prepare(self.job, member.place.machine))
        for place in left:
            self._start(place)

    @property
    def goes_on(self) -> bool:
        return bool(len(self.tries) or any(member.task for member in self.crew.members))

    def outcomes(self) -> list[Outcome | Setback]:
        """Wait until something happens, or should have; what came of it. Free workers have new tasks by then."""
        members = {id(member.seat): member for member in self.crew.members}
        told: list[Outcome | Setback] = []
        for seat in self.crew.room.ready([member.seat for member in self.crew.members], self._wait_s()):
            told += self._heard(members[id(seat)])
        now = self.crew.clock()
        for member in [member for member in self.crew.members if member.deadline <= now]:
            told += self._lost(member, Lost(self._overdue(member)))
        self._hand_out()
        return told + self._told_of_nobody(now)

    def _overdue(self, member: Member) -> str:
        if member.hello is None:
            return f"it did not come within {self.crew.room.arrival_s:g} s"
        return f"it took longer than timeout_s {self.workers.timeout_s:g}"

    def _heard(self, member: Member) -> list[Outcome | Setback]:
        try:
            answer = member.seat.heard()
        except Lost as loss:
            return self._lost(member, loss)
        member.deadline = float("inf")
        if isinstance(answer, Outcome):
            return [self._made(member, answer)]
        if isinstance(answer, SetupFailed):
            return [self._unready(member, answer)]
        if isinstance(answer, Hello):
            self._came(member, answer)
        else:
            member.job, self.setups_lost = self.job, 0
        return []

    def _came(self, member: Member, hello: Hello) -> None:
        if hello.identity != identity():
            raise Refused(
                f"the worker {hello.where} runs blindpairs {hello.identity}, this driver {identity()}; "
                "install the same wheel on every machine"
            )
        member.hello = hello
        self._give(member, Prepare(self.job, member.place.machine))

    def _unready(self, member: Member, failure: SetupFailed) -> Setback:
        """A worker could not set up: one tries elsewhere, the others go on; the last one's failure is the step's."""
        self._shun(member)
        if self._fit():
            self._start(member.place)
        elif not self.crew.members:
            raise Refused(failure.error) if failure.refused else TasksFailed(failure.error)
        return Setback("", f"one cannot set up, the others go on without it: {failure.error}", member.where)

    def _made(self, member: Member, outcome: Outcome) -> Outcome | Setback:
        task, member.task = member.task, None
        assert task is not None
        if outcome.fault is None:
            return outcome
        if outcome.fault is Fault.MACHINE and len(self.machines) > 1:
            self.crew.unfit.add(member.machine)
        return self.tries.failed(task, outcome, elsewhere=bool(self._fit()))

    def _fit(self) -> set[str]:
        """Of several machines, those that no task and no set-up has failed on for want of what they have."""
        return self.machines - self.crew.unfit if len(self.machines) > 1 else set()

    def _shun(self, member: Member) -> None:
        """End the worker; of several machines its own is tried no more."""
        self.crew.end(member)
        if len(self.machines) > 1:
            self.crew.unfit.add(member.machine)

    def _lost(self, member: Member, loss: Lost) -> list[Outcome | Setback]:
        """A worker is gone: its task has one more try, or fails; its place gets a new worker if there is work."""
        self.crew.end(member)
        self.machines = self.crew.room.machines(member.place)
        if member.task:
            told = self.tries.lost(member.task, loss.why, member.where, machine_gone=loss.machine_gone)
        else:
            told = Setback("", f"one was lost before it had a task: {loss.why}", member.where)
            self.setups_lost += member.job is not self.job and not loss.machine_gone
        if self.setups_lost < self.workers.attempts:
            self._start_if_needed(member.place)
        elif not any(other.job is self.job for other in self.crew.members):
            raise TasksFailed(f"workers of {self.job.stage.name} die while they set up: {loss.why}")
        return [told]

    def _hand_out(self) -> None:
        fit = self._fit()
        for member in list(self.crew.members):
            if member.job is not self.job or member.task:
                continue
            if fit and member.machine in self.crew.unfit:  # a full disk would soon have failed every task
                self.crew.end(member)
                self._start_if_needed(member.place)
            elif task := self.tries.next():
                member.task = task
                self._give(member, task)

    def _give(self, member: Member, message: Prepare | Task) -> None:
        member.deadline = self.crew.clock() + self.workers.timeout_s
        member.seat.give(message)

    def _start_if_needed(self, place: Place) -> None:
        if len(self.tries):
            self._start(place)

    def _start(self, place: Place) -> None:
        room = self.crew.room
        member = Member(place, room.seat(place, self.crew.unfit), deadline=self.crew.clock() + room.arrival_s)
        self.crew.members.append(member)

    def _told_of_nobody(self, now: float) -> list[Outcome | Setback]:
        """Say once a minute that there is no worker, as when a cluster has lost its machines."""
        if any(member.hello for member in self.crew.members):
            self.alone_since = now
        elif now - self.alone_since >= TOLD_EVERY_S:
            self.alone_since = now
            return [Setback("", "none is there yet; waiting for a machine that has what they ask for")]
        return []

    def _wait_s(self) -> float:
        """Seconds until something is due though nobody speaks."""
        now, waits = self.crew.clock(), [TOLD_EVERY_S]
        waits += [member.deadline - now for member in self.crew.members]
        if (wait_s := self.tries.wait_s()) is not None:
            waits.append(wait_s)
        return max(0.0, min(waits))
