"""The local executor's processes: they end when they should, and one that died idle costs no task."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from world.odd_stages import Gradual, Odd
from world.processes import PATIENCE_S, until

from manifests.storage import Folder
from pipeline.config.settings import WorkerSettings
from pipeline.executors.executor import Retry
from pipeline.executors.local_executor import LocalExecutor
from pipeline.executors.worker import InProgress, Job, Outcome, Worker
from stages.base import Machine, Task

PATHS = os.pathsep.join(sys.path)
DRIVER = """
import sys
from world.odd_stages import Odd
from world.processes import until
from manifests.storage import Folder
from pipeline.config.settings import WorkerSettings
from pipeline.executors.local_executor import LocalExecutor
from pipeline.executors.worker import Job
from stages.base import Task
if __name__ == "__main__":
    job = Job(Odd(sys.argv[1]), Folder(sys.argv[1] + "/shards"), {}, 1.0)
    list(LocalExecutor().execute(job, [Task("hangs-1")], WorkerSettings(count=1)))
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "scratch").mkdir()
    return Job(Odd(tmp_path / "scratch"), Folder(str(tmp_path / "shards")), {}, max_failed=1.0)


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def test_no_worker_is_left_when_a_run_is_given_up(job: Job) -> None:
    with LocalExecutor() as executor:
        assert next(executor.execute(job, [Task("good-1"), Task("hangs-1")], WorkerSettings(count=2))).name == "good-1"
        assert children()
    assert not children()


def test_workers_end_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path)], env={**os.environ, "PYTHONPATH": PATHS})
    worker = int(until(lambda: (tmp_path / "hangs-1").exists() and (tmp_path / "hangs-1").read_text()))
    driver.kill()
    driver.wait()
    until(lambda: not psutil.pid_exists(worker))


def test_a_worker_that_dies_between_two_tasks_costs_no_task(job: Job) -> None:
    made = []
    with LocalExecutor() as executor:
        for heard in executor.execute(job, [Task(f"good-{n}") for n in range(3)], WorkerSettings(count=1)):
            if isinstance(heard, Retry):
                continue
            made.append(heard.name)
            if len(made) == 1:  # the driver is busy with the first outcome while the worker is killed
                (worker,) = children()
                worker.kill()
                worker.wait(PATIENCE_S)
    assert made == ["good-0", "good-1", "good-2"]


def test_a_worker_says_how_far_it_is_before_its_task_has_ended(tmp_path: Path) -> None:
    """The second part comes only when the driver has heard of the first."""
    (tmp_path / "go-0").touch()
    job = Job(Gradual(tmp_path), Folder(str(tmp_path / "shards")), {}, max_failed=1.0)
    with LocalExecutor() as executor:
        heard = executor.execute(job, [Task("a")], WorkerSettings(count=1))
        first = next(heard)
        (tmp_path / "go-1").touch()
        (tmp_path / "go-2").touch()
        *_, last = heard
    assert isinstance(first, InProgress)
    assert (first.task, first.seen) == ("a", 2)
    assert isinstance(last, Outcome)
    assert (last.receipt.rows, last.where) == (6, first.where)


def test_a_worker_says_how_far_it_is_once_a_second(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"go-{number}").touch()
    job = Job(Gradual(tmp_path), Folder(str(tmp_path / "shards")), {}, max_failed=1.0)
    times, said = iter([0.0, 0.0, 0.4, 0.9, 1.5, 1.6]), list[InProgress]()
    worker = Worker(job, Machine(), clock=lambda: next(times))
    assert worker.run(Task("a"), said.append).seconds == 1.6
    assert [(one.seen, one.seconds) for one in said] == [(2, 0.4), (6, 1.5)]


@pytest.mark.parametrize(("workers", "count"), [({"threads": 2}, 2), ({"threads": 2, "cpus": 4}, 1), ({}, 4)])
def test_as_many_workers_are_started_as_cores_hold(
    job: Job, monkeypatch: pytest.MonkeyPatch, workers: dict, count: int
) -> None:
    monkeypatch.setattr("pipeline.executors.machine.cores", lambda: 4)
    monkeypatch.setattr("pipeline.executors.machine.gpus", list)
    monkeypatch.setattr("pipeline.executors.machine.memory_bytes", lambda: 1 << 40)
    with LocalExecutor() as executor:
        heard = executor.execute(job, [Task(f"good-{n}") for n in range(12)], WorkerSettings(**workers))
        assert next(heard).error is None
        assert len(children()) == count
