"""Local executor: one process a core (or a GPU) of this machine, each with its stage set up once.

Processes are started afresh (spawn), so that no lock or thread of the driver is copied. A worker
whose driver dies ends at once. A worker that dies costs its task one attempt; after
`workers.attempts` of them the task fails alone.
"""

from __future__ import annotations

import signal
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from manifests.errors import Refused, TasksFailed
from pipeline import machine
from pipeline.config import WorkerSettings
from pipeline.local_worker import Ready, SetupFailed, serve
from pipeline.worker import Job, Outcome
from stages.base import Machine, Task

SPAWN = get_context("spawn")
MEMORY_SHARE = 0.8  # of what is free, for all workers together


@dataclass(frozen=True)
class Place:
    """Where one worker runs: the GPUs it may see, and what it computes with."""

    gpus: tuple[str, ...]
    machine: Machine


@dataclass
class Seat:
    """A place with the process that sits there now, and the task it has in hand."""

    place: Place
    process: BaseProcess
    line: Connection
    task: Task | None = None


class LocalExecutor:
    """Runs tasks on this machine's cores or GPUs."""

    def execute(self, job: Job, tasks: Sequence[Task], workers: WorkerSettings) -> Iterator[Outcome]:
        """See Executor.execute."""
        places = _places(job, workers, len(tasks))
        crew = _Crew(job, deque(tasks), workers.attempts)
        try:
            for place in places:
                crew.seat(place)
            while crew.seats:
                yield from crew.next_outcomes()
        finally:
            crew.dismiss()


@dataclass
class _Crew:
    """The workers at their seats, the tasks that wait, and how often each task lost its worker."""

    job: Job
    waiting: deque[Task]
    attempts: int
    seats: list[Seat] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)

    def seat(self, place: Place) -> None:
        ours, theirs = SPAWN.Pipe()
        process = SPAWN.Process(target=serve, args=(theirs, self.job, place.machine, place.gpus), daemon=True)
        with _deaf_to_ctrl_c():
            process.start()
        theirs.close()
        self.seats.append(Seat(place, process, ours))

    def next_outcomes(self) -> Iterator[Outcome]:
        """Wait until some workers have something to say; their outcomes."""
        ready = wait([seat.line for seat in self.seats])
        for seat in [seat for seat in self.seats if seat.line in ready]:
            try:
                message = seat.line.recv()
            except (EOFError, OSError):
                yield from self._lost(seat)
                continue
            if isinstance(message, SetupFailed):
                self._unready(seat, message)
                continue
            self.losses.pop(Ready.__name__, None)
            if isinstance(message, Outcome):
                yield message
            self._give(seat)

    def dismiss(self) -> None:
        for seat in self.seats:
            seat.process.kill()
        for seat in self.seats:
            seat.process.join()
            seat.line.close()

    def _unready(self, seat: Seat, message: SetupFailed) -> None:
        """A worker could not set up: the others go on without it; the last one's failure is the step's."""
        self.seats.remove(seat)
        seat.process.join()
        if self.waiting and not self.seats:
            raise Refused(message.error) if message.refused else TasksFailed(message.error)

    def _give(self, seat: Seat) -> None:
        seat.task = self.waiting.popleft() if self.waiting else None
        if seat.task is None:
            seat.line.close()  # the worker reads the end of its line, and ends
            seat.process.join()
            self.seats.remove(seat)
        else:
            with suppress(OSError):  # a worker that died meanwhile: its closed line is read as a loss
                seat.line.send(seat.task)

    def _lost(self, seat: Seat) -> Iterator[Outcome]:
        """A worker died: its task has one more try, or fails; the place gets a new worker if there is work."""
        seat.process.join()
        self.seats.remove(seat)
        ended = f"its worker ended with {_ending(seat.process.exitcode)}"
        name = seat.task.name if seat.task else Ready.__name__
        self.losses[name] += 1
        if self.losses[name] >= self.attempts:
            if seat.task is None:
                raise TasksFailed(f"workers of {self.job.stage.name} die while they set up: {ended}")
            yield Outcome(name, error=f"{ended}, {self.losses[name]} times")
        elif seat.task:
            self.waiting.appendleft(seat.task)
        if self.waiting:
            self.seat(seat.place)


def _places(job: Job, workers: WorkerSettings, tasks: int) -> list[Place]:
    """One place a worker. Raises Refused where GPUs are asked for that are not there."""
    there = machine.gpus()
    each = workers.gpus if workers.gpus is not None else min(1, len(there)) * job.stage.accelerated
    if each > len(there):
        raise Refused(f"workers of {job.stage.name} ask for {each} GPUs and this machine has {len(there)}")
    fitting = len(there) // each if each else _fitting(job)
    count = max(1, min(workers.count or fitting, tasks))
    return [Place(_share(there, each, seat), _machine(workers, each)) for seat in range(count)]


def _fitting(job: Job) -> int:
    """How many workers cores and memory hold."""
    return min(machine.cores(), max(1, int(MEMORY_SHARE * machine.memory_bytes() / job.stage.worker_bytes())))


def _share(there: Sequence[str], each: int, seat: int) -> tuple[str, ...]:
    """The GPUs of a seat; more seats than GPUs share them in turn."""
    return tuple(there[(seat * each + number) % len(there)] for number in range(each))


def _machine(workers: WorkerSettings, gpus: int) -> Machine:
    device, memory = "cuda" if gpus else "cpu", int(workers.memory * (1 << 30))
    return Machine(device, workers.threads, workers.decoders, workers.batch, memory)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """A process started here ignores Ctrl-C from its first moment: that is the driver's to answer."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _ending(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
