"""Executor: where tasks run. The runner knows only this.

local_executor.py is this machine's processes, ray_executor.py a Ray cluster's actors; pool.py is what
both do alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from pipeline.config.settings import WorkerSettings
from pipeline.executors.worker import Job, Outcome
from stages.base import Stage, Task


@dataclass(frozen=True)
class ResourceRequest:
    """A step that is to be made: its name, its stage, and what its workers are to have."""

    step: str
    stage: Stage
    workers: WorkerSettings


@dataclass(frozen=True)
class Retry:
    """Something that cost time and not the task: a try that will be repeated, or workers that do not come.

    `task` is empty where it was no task's; `tries` of `attempts` are used up.
    """

    task: str
    why: str
    where: str = ""
    tries: int = 0
    attempts: int = 0


class Executor(Protocol):
    """Runs tasks in any order and on any number of workers; each ends in exactly one outcome."""

    on_cluster: bool  # whose metrics are to hear of the run

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def check(self, requests: Sequence[ResourceRequest], waits: Callable[[str], None] = lambda why: None) -> str:
        """Before any work: be ready for these steps; where they will run, in words. `waits` is told for what one waits.

        Raises Refused where what a step's workers ask for can never be had: which, and what there is.
        """
        ...

    def execute(self, job: Job, tasks: Sequence[Task], workers: WorkerSettings) -> Iterator[Outcome | Retry]:
        """Outcomes as they come. A task that fails, or kills its worker too often, does not stop the others.

        Raises Refused where a worker refuses its set-up, TasksFailed where none can be set up.
        """
        ...
