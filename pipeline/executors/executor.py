"""Executor: where tasks run. The runner knows only this.

local_executor.py is this machine's processes, ray_executor.py a Ray cluster's actors; worker_pool.py and
scheduler.py are what both do alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from pipeline.config.settings import WorkerSettings
from pipeline.executors.worker import InProgress, Job, Outcome
from stages.base import Stage, Task


@dataclass(frozen=True)
class ResourceRequest:
    """The resources that one step asks for: its name, its stage, and its workers' settings."""

    step: str
    stage: Stage
    workers: WorkerSettings


@dataclass(frozen=True)
class Retry:
    """A failure that costs time but not the task: an attempt that will be repeated, or workers that do not start.

    `task` is empty if no task was involved; `tries` of `attempts` are used up.
    """

    task: str
    why: str
    where: str = ""
    tries: int = 0
    attempts: int = 0


Heard = Outcome | Retry | InProgress


class Executor(Protocol):
    """Runs tasks in any order and on any number of workers; each ends in exactly one outcome."""

    on_cluster: bool  # whose metrics are to hear of the run

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def check(self, requests: Sequence[ResourceRequest], waits: Callable[[str], None] = lambda why: None) -> str:
        """Prepare for these steps before any work; returns where they will run, in words. `waits` hears of any waiting.

        Raises Refused if a step's workers ask for more than there will ever be, naming both.
        """
        ...

    def execute(self, job: Job, tasks: Sequence[Task], workers: WorkerSettings) -> Iterator[Heard]:
        """Yield outcomes as they come, and how far tasks are, where workers say so.

        A task that fails, or kills its worker too often, does not stop the others.
        Raises Refused if a worker refuses its set-up, TasksFailed if no worker can be set up.
        """
        ...
