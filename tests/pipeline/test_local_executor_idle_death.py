"""What a hostile reader tried here, and what must hold."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
from world.odd_stages import Odd

from manifests.storage import Folder
from pipeline.config import WorkerSettings
from pipeline.local_executor import LocalExecutor
from pipeline.worker import Job
from stages.base import Task


def test_a_worker_that_dies_between_two_tasks_costs_no_task(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    job = Job(Odd(tmp_path / "scratch"), Folder(str(tmp_path / "shards")), {}, max_failed=1.0)
    names = []
    for outcome in LocalExecutor().execute(job, [Task("good-1"), Task("good-2")], WorkerSettings(count=1)):
        names.append(outcome.name)
        if len(names) == 1:  # the driver is busy with the first outcome while the worker is killed
            workers = [c for c in psutil.Process().children() if "spawn_main" in " ".join(c.cmdline())]
            for worker in workers:
                worker.kill()
            psutil.wait_procs(workers, timeout=1)
            time.sleep(0.2)
    assert names == ["good-1", "good-2"]
