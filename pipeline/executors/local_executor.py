"""Local executor: one process for each core (or GPU) of this machine.

Processes are started afresh (spawn), so that no lock or thread of the driver is copied. A worker
whose driver dies ends at once.
"""

from __future__ import annotations

import math
import platform
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from manifests.errors import Refused
from pipeline.config.settings import WorkerSettings
from pipeline.executors import machine
from pipeline.executors.executor import Heard, ResourceRequest
from pipeline.executors.local_worker import serve
from pipeline.executors.scheduler import work
from pipeline.executors.serving import Answer, Prepare
from pipeline.executors.worker import InProgress, Job
from pipeline.executors.worker_pool import Lost, WorkerPool
from stages.base import Machine, Stage, Task

SPAWN = get_context("spawn")
ENDING_S = 10.0  # its line is closed: it is ending
MEMORY_SHARE = 0.8  # of what is free, for all workers together


@dataclass(frozen=True)
class LocalResources:
    """What one worker gets: the GPUs it may see, and the device it computes on."""

    gpus: tuple[str, ...]
    machine: Machine

    def covers(self, other: LocalResources) -> bool:
        return self == other


class LocalHandle:
    """A worker process and the pipe to it."""

    def __init__(self, resources: LocalResources) -> None:
        self.line, theirs = SPAWN.Pipe()
        words = (theirs, resources.machine.threads, resources.gpus)
        self._process: BaseProcess = SPAWN.Process(target=serve, args=words, daemon=True)
        with _deaf_to_ctrl_c():
            self._process.start()
        theirs.close()

    def give(self, message: Prepare | Task) -> None:
        with suppress(OSError):  # a worker that died meanwhile: its closed line is heard as a loss
            self.line.send(message)

    def heard(self) -> Answer | InProgress:
        try:
            answer: Answer | InProgress = self.line.recv()
            return answer
        except (EOFError, OSError):
            self._process.join(ENDING_S)
            raise Lost(f"its worker ended with {_ending(self._process.exitcode)}") from None
        except Exception as error:  # something else wrote down its line
            raise Lost(f"its worker said what cannot be read ({type(error).__name__})") from error

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.line.close()


class LocalBackend:
    """This machine."""

    arrival_s = 300.0  # a process that hangs while it starts, as on a disk that does not answer

    def machines(self, resources: LocalResources) -> set[str]:
        return {platform.node()}

    def start(self, resources: LocalResources, avoid: Collection[str]) -> LocalHandle:
        return LocalHandle(resources)

    def ready(self, handles: Sequence[LocalHandle], timeout_s: float) -> list[LocalHandle]:
        lines: list[Connection] = [handle.line for handle in handles]
        speaking = wait(lines, timeout_s)
        return [handle for handle in handles if handle.line in speaking]


class LocalExecutor:
    """Runs tasks on this machine's cores or GPUs."""

    on_cluster = False

    def __init__(self) -> None:
        self._pool = WorkerPool(LocalBackend())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.dismiss()

    def check(self, requests: Sequence[ResourceRequest], waits: Callable[[str], None] = lambda why: None) -> str:
        """See Executor.check."""
        for request in requests:
            _check(request)
        gpus = f" and {len(machine.gpus())} GPUs" if machine.gpus() else ""
        return f"on this machine: {machine.cores()} cores{gpus}"

    def execute(self, job: Job, tasks: Sequence[Task], workers: WorkerSettings) -> Iterator[Heard]:
        """See Executor.execute."""
        return work(self._pool, job, tasks, workers, _wanted(job.stage, workers, len(tasks)))


def _check(request: ResourceRequest) -> None:
    """Raise Refused if this machine will never have what the step's workers ask for."""
    workers, gpus, cores = request.workers, len(machine.gpus()), machine.cores()
    where = f"workers of the step {request.step} ask for"
    if (workers.gpus or 0) > gpus:
        raise Refused(f"{where} {workers.gpus:g} GPUs and this machine has {gpus}; ask for fewer, or use --ray ADDRESS")
    if (workers.cpus or 0) > cores:
        raise Refused(
            f"{where} {workers.cpus:g} cores and this machine has {cores}; ask for fewer, or use --ray ADDRESS"
        )
    request.stage.check_device("cuda" if gpus_each(request.stage, workers) else "cpu")
    if workers.custom:
        raise Refused(f"{where} {', '.join(workers.custom)}, which only a Ray cluster can have; leave custom out")


def _wanted(stage: Stage, workers: WorkerSettings, tasks: int) -> list[LocalResources]:
    """The resources of each worker."""
    there = machine.gpus()
    each = gpus_each(stage, workers)
    cpus = workers.cpus_of(machine.cores() * each / len(there) if there and stage.decodes else None)
    fitting = places(there, each) if each else _fitting(stage, workers, cpus)
    count = max(1, min(workers.count or fitting, tasks))
    return [LocalResources(_share(there, each, number), workers.machine(each, cpus)) for number in range(count)]


def _fitting(stage: Stage, workers: WorkerSettings, cpus: float) -> int:
    """How many workers fit into cores and memory."""
    by_memory = int(MEMORY_SHARE * machine.memory_bytes() / workers.reserved_bytes(stage.worker_bytes()))
    return max(1, min(int(machine.cores() / cpus), by_memory))


def gpus_each(stage: Stage, workers: WorkerSettings) -> float:
    """GPUs per worker on this machine."""
    return workers.gpus if workers.gpus is not None else stage.gpus * bool(machine.gpus())


def places(there: Sequence[str], each: float) -> int:
    """How many workers fit on the GPUs; a share of less than one GPU lies on one."""
    return len(there) * int(1 / each) if each < 1 else int(len(there) / each)


def _share(there: Sequence[str], each: float, worker: int) -> tuple[str, ...]:
    """The GPUs of the worker of this number; more workers than GPUs share them in turn."""
    width = math.ceil(each)
    return tuple(there[(worker * width + number) % len(there)] for number in range(width))


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started inside ignore Ctrl-C from the start; only the driver handles it."""
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
