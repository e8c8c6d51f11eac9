"""Scheduler: spread the tasks of one step over a pool of workers, and collect their outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from manifests.errors import Refused, TasksFailed
from pipeline.config.settings import WorkerSettings
from pipeline.executors.executor import Heard, Retry
from pipeline.executors.identity import identity
from pipeline.executors.retry_policy import RetryPolicy
from pipeline.executors.serving import Hello, Prepare, SetupFailed
from pipeline.executors.worker import Fault, InProgress, Job, Outcome
from pipeline.executors.worker_pool import Lost, PoolMember, Resources, WorkerPool
from stages.base import Task

TOLD_EVERY_S = 60.0  # that no worker has come


def work(
    pool: WorkerPool, job: Job, tasks: Sequence[Task], workers: WorkerSettings, wanted: Sequence[Resources]
) -> Iterator[Heard]:
    """Run the tasks with one worker for each entry of `wanted`. See Executor.execute."""
    scheduler = Scheduler(pool, job, RetryPolicy(tasks, workers.attempts, pool.clock), workers)
    scheduler.begin(wanted)
    while scheduler.goes_on:
        yield from scheduler.outcomes()
    for member in [member for member in pool.members if member.job is not job]:
        pool.end(member)  # one that never came: it would hold what the next step asks for


@dataclass
class Scheduler:
    """The work of one step: which worker has which task."""

    pool: WorkerPool
    job: Job
    tries: RetryPolicy
    workers: WorkerSettings
    setups_lost: int = 0
    alone_since: float = 0.0
    machines: set[str] = field(default_factory=set)  # that a worker of this step may be on

    def begin(self, wanted: Sequence[Resources]) -> None:
        self.alone_since = self.pool.clock()
        self.machines = self.pool.backend.machines(wanted[0])
        left = self.pool.take(wanted)
        for member in self.pool.members:
            self._give(member, Prepare(self.job, member.resources.machine))
        for resources in left:
            self._start(resources)

    @property
    def goes_on(self) -> bool:
        return bool(len(self.tries) or any(member.task for member in self.pool.members))

    def outcomes(self) -> list[Heard]:
        """Wait for an answer or a deadline and return what came of it. Idle workers get new tasks before it returns."""
        members = {id(member.handle): member for member in self.pool.members}
        told: list[Heard] = []
        for handle in self.pool.backend.ready([member.handle for member in self.pool.members], self._wait_s()):
            told += self._heard(members[id(handle)])
        now = self.pool.clock()
        for member in [member for member in self.pool.members if member.deadline <= now]:
            told += self._lost(member, Lost(self._overdue(member)))
        self._hand_out()
        return told + self._told_of_nobody(now)

    def _overdue(self, member: PoolMember) -> str:
        if member.hello is None:
            return f"it did not come within {self.pool.backend.arrival_s:g} s"
        return f"it took longer than timeout_s {self.workers.timeout_s:g}"

    def _heard(self, member: PoolMember) -> Sequence[Heard]:
        try:
            answer = member.handle.heard()
        except Lost as loss:
            return self._lost(member, loss)
        if isinstance(answer, InProgress):
            return [answer]  # its task goes on, and has no more time for that
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

    def _came(self, member: PoolMember, hello: Hello) -> None:
        if hello.identity != identity():
            raise Refused(
                f"the worker {hello.where} runs blindpairs {hello.identity}, this driver {identity()}; "
                "install the same wheel on every machine"
            )
        member.hello = hello
        self._give(member, Prepare(self.job, member.resources.machine))

    def _unready(self, member: PoolMember, failure: SetupFailed) -> Retry:
        """Handle a failed set-up: another machine is tried, other workers go on; the last failure fails the step."""
        self._shun(member)
        if self._fit():
            self._start(member.resources)
        elif not self.pool.members:
            raise Refused(failure.error) if failure.refused else TasksFailed(failure.error)
        return Retry("", f"one cannot set up, the others go on without it: {failure.error}", member.where)

    def _made(self, member: PoolMember, outcome: Outcome) -> Outcome | Retry:
        task, member.task = member.task, None
        assert task is not None
        if outcome.fault is None:
            return outcome
        if outcome.fault in (Fault.MACHINE, Fault.DISK) and len(self.machines) > 1:
            self.pool.unfit.add(member.machine)
        elsewhere = bool(self._fit())
        if outcome.fault is Fault.DISK and not elsewhere:
            self.tries.stop()
        return self.tries.failed(task, outcome, elsewhere=elsewhere)

    def _fit(self) -> set[str]:
        """Of several machines, those where no task or set-up has failed for lack of disk or memory."""
        return self.machines - self.pool.unfit if len(self.machines) > 1 else set()

    def _shun(self, member: PoolMember) -> None:
        """End the worker; if there are several machines, its own is not used again."""
        self.pool.end(member)
        if len(self.machines) > 1:
            self.pool.unfit.add(member.machine)

    def _lost(self, member: PoolMember, loss: Lost) -> list[Outcome | Retry]:
        """Handle a lost worker: its task is retried or fails; a new worker takes its place if there is work."""
        self.pool.end(member)
        self.machines = self.pool.backend.machines(member.resources)
        if member.task:
            told = self.tries.lost(member.task, loss.why, member.where, machine_gone=loss.machine_gone)
        else:
            told = Retry("", f"one was lost before it had a task: {loss.why}", member.where)
            self.setups_lost += member.job is not self.job and not loss.machine_gone
        if self.setups_lost < self.workers.attempts:
            self._start_if_needed(member.resources)
        elif not any(other.job is self.job for other in self.pool.members):
            raise TasksFailed(f"workers of {self.job.stage.name} die while they set up: {loss.why}")
        return [told]

    def _hand_out(self) -> None:
        fit = self._fit()
        for member in list(self.pool.members):
            if member.job is not self.job or member.task:
                continue
            if fit and member.machine in self.pool.unfit:  # a full disk would soon have failed every task
                self.pool.end(member)
                self._start_if_needed(member.resources)
            elif task := self.tries.next():
                member.task = task
                self._give(member, task)

    def _give(self, member: PoolMember, message: Prepare | Task) -> None:
        member.deadline = self.pool.clock() + self.workers.timeout_s
        member.handle.give(message)

    def _start_if_needed(self, resources: Resources) -> None:
        if len(self.tries):
            self._start(resources)

    def _start(self, resources: Resources) -> None:
        backend = self.pool.backend
        handle = backend.start(resources, self.pool.unfit)
        member = PoolMember(resources, handle, deadline=self.pool.clock() + backend.arrival_s)
        self.pool.members.append(member)

    def _told_of_nobody(self, now: float) -> list[Outcome | Retry]:
        """Report once a minute that there is no worker, for example when a cluster has lost its machines."""
        if any(member.hello for member in self.pool.members):
            self.alone_since = now
        elif now - self.alone_since >= TOLD_EVERY_S:
            self.alone_since = now
            return [Retry("", "none is there yet; waiting for a machine that has what they ask for")]
        return []

    def _wait_s(self) -> float:
        """Seconds until the next deadline."""
        now, waits = self.pool.clock(), [TOLD_EVERY_S]
        waits += [member.deadline - now for member in self.pool.members]
        if (wait_s := self.tries.wait_s()) is not None:
            waits.append(wait_s)
        return max(0.0, min(waits))
