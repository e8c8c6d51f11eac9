"""Executor: where tasks run. The runner knows only this; local_executor.py is this machine's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from pipeline.config import WorkerSettings
from pipeline.worker import Job, Outcome
from stages.base import Task


class Executor(Protocol):
    """Runs tasks in any order and on any number of workers; each ends in exactly one outcome."""

    def execute(self, job: Job, tasks: Sequence[Task], workers: WorkerSettings) -> Iterator[Outcome]:
        """Outcomes as they come. A task that fails, or kills its worker too often, does not stop the others.

        Raises Refused where the machine cannot do what `workers` asks, or a worker refuses its set-up.
        """
        ...
