"""Worker: a process with a stage set up, making one shard after another.

What passes between a driver and a worker is small and plain: a job once, then tasks in, outcomes
out. Rows go from the worker straight to storage.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from manifests.counts import Counts
from manifests.errors import BlindpairsError
from manifests.manifest import Manifest
from manifests.shard import Receipt, write_shard
from manifests.storage import Folder
from stages.base import Machine, Stage, Task


@dataclass(frozen=True)
class Job:
    """What a worker must know to make any task of a step."""

    stage: Stage
    folder: Folder
    reads: Mapping[str, Folder]
    max_failed: float


@dataclass(frozen=True)
class Outcome:
    """What became of one task: a receipt, or an error in one sentence (and its trace, for a report)."""

    name: str
    receipt: Receipt | None = None
    error: str | None = None
    trace: str | None = None


class TooManyFailed(BlindpairsError):
    """More of a task's images failed than `max_failed` allows: never a done shard of nothing."""


class Worker:
    """A stage, set up on a machine, with the manifests it reads open."""

    def __init__(self, job: Job, machine: Machine) -> None:
        self._job = job
        self._reads = {step: Manifest.open(folder) for step, folder in job.reads.items()}
        job.stage.setup(machine)

    def run(self, task: Task) -> Outcome:
        """Make one shard. Whatever goes wrong becomes an outcome: a failed task fails alone."""
        job = self._job
        try:
            parts = job.stage.process(task, self._reads)
            receipt = write_shard(job.folder, task.name, job.stage.schema(), parts, lambda c: self._accept(task, c))
        except Exception as error:  # noqa: BLE001 - the one place that turns any failure into an outcome
            return Outcome(task.name, error=one_line(error), trace=traceback.format_exc())
        return Outcome(task.name, receipt)

    def _accept(self, task: Task, counts: Counts) -> None:
        failed, of = self._job.stage.failed(task, counts, self._reads)
        if failed > self._job.max_failed * of:
            why = ", ".join(f"{count} {reason}" for reason, count in counts.rejected.items())
            raise TooManyFailed(
                f"{failed} of {of} images failed ({why}), more than max_failed {self._job.max_failed} allows; "
                "repair the source, or raise max_failed of this step's workers to accept them as rejected rows"
            )


def one_line(error: BaseException) -> str:
    """An error as one sentence: its own words if it is ours, else with its type."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, BlindpairsError) else f"{type(error).__name__}: {text}"
