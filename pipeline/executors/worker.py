"""Worker: a process with a stage set up, making one shard after another.

What passes between a driver and a worker is small and plain: a job once, then tasks in, outcomes
out. Rows go from the worker straight to storage.
"""

from __future__ import annotations

import errno
import os
import platform
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from manifests.counts import Counts
from manifests.errors import BlindpairsError
from manifests.manifest import Manifest
from manifests.shard import Part, Receipt, write_shard
from manifests.storage import Folder
from manifests.stores.faults import NETWORK
from stages.base import Machine, Stage, Task
from stages.models.encoders.base import is_out_of_memory


@dataclass(frozen=True)
class Job:
    """What a worker needs to know to run any task of a step."""

    stage: Stage
    folder: Folder
    reads: Mapping[str, Folder]
    max_failed: float
    as_of: Mapping[str, str] = field(default_factory=dict)  # step -> fingerprint, to read it as it was before it grew


TOLD_EVERY_S = 1.0  # how far a task is
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
LACKING = (errno.EFBIG, errno.ENOMEM, errno.EROFS, errno.EMFILE, errno.ENFILE)


class Fault(StrEnum):
    """Whose fault a failure is, which decides whether a retry makes sense."""

    TASK = "task"  # its own: it would fail anywhere and again
    MACHINE = "machine"  # too little memory, too few files: another machine may do
    DISK = "disk"  # a full disk: another machine may do, and without one every further task would fail
    STORE = "store"  # a store or network that did not answer: later it may


@dataclass(frozen=True)
class Outcome:
    """What became of one task: a receipt, or an error in one sentence (and its trace, for a report)."""

    name: str
    receipt: Receipt | None = None
    error: str | None = None
    trace: str | None = None
    fault: Fault | None = None  # None where there is a receipt
    where: str = ""  # host and process that made it
    seconds: float = 0.0
    gpu_use: float | None = None  # percent of the time its GPUs were busy, where it has any


@dataclass(frozen=True)
class InProgress:
    """How far a worker is with its task: rows seen, and seconds since it began. It is no answer: the task goes on."""

    task: str
    where: str
    seen: int
    seconds: float


class TooManyFailed(BlindpairsError):
    """More images of a task failed than `max_failed` allows: an empty shard never counts as done."""


class Worker:
    """A stage, set up on a machine, with the manifests it reads open."""

    def __init__(self, job: Job, machine: Machine, clock: Callable[[], float] = time.monotonic) -> None:
        self._job, self._clock = job, clock
        self._reads = {step: Manifest.open(folder).at(job.as_of.get(step, "")) for step, folder in job.reads.items()}
        job.stage.setup(machine)

    def run(self, task: Task, said: Callable[[InProgress], None] | None = None) -> Outcome:
        """Make one shard. Whatever goes wrong becomes an outcome: a failed task fails alone.

        `said` hears how far it is, if the stage is gradual.
        """
        began = self._clock()
        outcome = self._made(task, said)
        return replace(outcome, where=here(), seconds=self._clock() - began)

    def _made(self, task: Task, said: Callable[[InProgress], None] | None) -> Outcome:
        job = self._job
        try:
            parts = job.stage.process(task, self._reads)
            parts = self._told(task, parts, said) if said and job.stage.gradual else parts
            schema, computed = job.stage.schema(), job.stage.computed()
            receipt = write_shard(job.folder, task.name, schema, parts, lambda c: self._accept(task, c), computed)
        except Exception as error:  # noqa: BLE001 - the one place that turns any failure into an outcome
            return Outcome(task.name, error=one_line(error), trace=traceback.format_exc(), fault=fault_of(error))
        return Outcome(task.name, receipt)

    def _told(self, task: Task, parts: Iterator[Part], said: Callable[[InProgress], None]) -> Iterator[Part]:
        """Pass the parts on, and say after the first, and then at most every TOLD_EVERY_S, how many rows were seen."""
        began, due, seen = self._clock(), 0.0, 0
        for part in parts:
            yield part
            seen, spent = seen + part.counts.seen, self._clock() - began
            if spent >= due:
                due = spent + TOLD_EVERY_S
                said(InProgress(task.name, here(), seen, spent))

    def _accept(self, task: Task, counts: Counts) -> None:
        failed, of = self._job.stage.failed(task, counts, self._reads)
        if failed > self._job.max_failed * of:
            why = ", ".join(f"{count} {reason}" for reason, count in counts.rejected.items())
            raise TooManyFailed(
                f"{failed} of {of} images failed ({why}), more than max_failed {self._job.max_failed} allows; "
                "repair the source, or raise max_failed of this step's workers to accept them as rejected rows"
            )


def here() -> str:
    """This process as host and process id, for people to find it."""
    return f"{platform.node()}:{os.getpid()}"


def fault_of(error: Exception) -> Fault:
    """Whose fault an error is, judged by its type and errno."""
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return Fault.DISK
    if is_out_of_memory(error) or (isinstance(error, OSError) and error.errno in LACKING):
        return Fault.MACHINE
    if type(error).__module__.split(".")[0] in NETWORK:
        return Fault.STORE
    of_the_task = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)
    return Fault.STORE if isinstance(error, OSError) and not isinstance(error, of_the_task) else Fault.TASK


def one_line(error: BaseException) -> str:
    """An error as one sentence: its own words if it is ours, else with its type."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, BlindpairsError) else f"{type(error).__name__}: {text}"
