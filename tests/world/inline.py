"""An executor in the test's own process: a run in a fraction of a second, every write of which can be counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.config.loading import read_config
from pipeline.config.settings import Config, WorkerSettings
from pipeline.executors.executor import ResourceRequest
from pipeline.executors.worker import Job, Outcome, Worker
from pipeline.launch import launch
from pipeline.run.events.listener import Listener
from pipeline.run.recipe import steps
from pipeline.run.repair import repair
from pipeline.run.repaired import RepairSummary
from pipeline.run.runner import run
from stages.base import Machine, Task


class Inline:
    """Runs tasks here, one after the other; `made` says which."""

    on_cluster = False

    def __init__(self) -> None:
        self.made: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def check(self, wants: Sequence[ResourceRequest], waits: Callable[[str], None] = lambda why: None) -> str:
        return "here"

    def execute(self, job: Job, tasks: Sequence[Task], workers: WorkerSettings) -> Iterator[Outcome]:
        worker = Worker(job, Machine())
        for task in tasks:
            outcome = worker.run(Task.from_json(task.to_json()))
            self.made.append(f"{job.folder.name}/{task.name}")
            yield outcome


@contextmanager
def commands_run_here() -> Iterator[None]:
    """Have `run` as a command do its tasks in this process too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "executor_for", lambda ray: Inline())
        yield


def made_here(values: Mapping[str, Any], root: Path, until: str | None = None) -> tuple[dict[str, Manifest], list[str]]:
    """Run a recipe in this process: step -> manifest, and the tasks that were done for it."""
    config, executor = Config.model_validate(values), Inline()
    wanted = steps(config)
    names = [step.name for step in wanted]
    wanted = wanted[: names.index(until) + 1] if until else wanted
    return run(wanted, Folder(str(root)) / config.run, executor, Listener()), executor.made


def redone_here(values: Mapping[str, Any], root: Path, step: str) -> tuple[list[str], list[str]]:
    """Run a recipe in this process and have it make a step and those after it again: what it said, and the tasks."""
    config, executor, listener = Config.model_validate(values), Inline(), Saying()
    run(steps(config), Folder(str(root)) / config.run, executor, listener, redo=step)
    return listener.lines, executor.made


def repaired_here(values: Mapping[str, Any], root: Path | str) -> tuple[RepairSummary, list[str]]:
    """Repair a run in this process: what was damaged, and the tasks that were done for it."""
    config, executor = Config.model_validate(values), Inline()
    return repair(steps(config), Folder(str(root)) / config.run, executor, Listener()), executor.made


class Saying(Listener):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def said(self, text: str) -> None:
        self.lines.append(text)


def make_here(values: Mapping[str, Any], root: Path, until: str | None = None) -> dict[str, Manifest]:
    """Run a recipe in this process, as `world.runs.make` does on processes of their own; step -> manifest."""
    return made_here(values, root, until)[0]


def demo_here(scenes: Path | str, root: Path | str, *changes: str) -> Path:
    """Run the demo recipe on these scenes in this process: no gallery, and the bytes of a command's run; its folder."""
    config = read_config("demo", [f"images.sources.0.uri={scenes}/*.tar", *changes])
    run(steps(config), Folder(str(root)) / config.run, Inline(), Listener())
    return Path(root) / config.run
