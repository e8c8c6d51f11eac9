"""The local executor: every task ends in exactly one outcome, whatever its worker does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from world.odd_stages import Flaky, Odd

from manifests.errors import Refused, TasksFailed
from manifests.storage import Folder
from pipeline.config import WorkerSettings
from pipeline.local_executor import LocalExecutor
from pipeline.worker import Job, Outcome
from stages.base import Task


def outcomes(tmp_path: Path, *names: str, setup: str = "good", **workers: int) -> dict[str, Outcome]:
    (tmp_path / "scratch").mkdir(exist_ok=True)
    job = Job(Odd(tmp_path / "scratch", setup), Folder(str(tmp_path / "shards")), {}, max_failed=1.0)
    ended = list(
        LocalExecutor().execute(job, [Task(name) for name in names], WorkerSettings(**{"count": 2, **workers}))
    )
    assert len({one.name for one in ended}) == len(ended)
    return {one.name: one for one in ended}


def tries(tmp_path: Path, name: str) -> int:
    return len((tmp_path / "scratch" / name).read_text().splitlines())


def test_every_task_ends_once_and_its_shard_is_there(tmp_path: Path) -> None:
    names = [f"good-{number}" for number in range(12)]
    ended = outcomes(tmp_path, *names)
    assert sorted(ended) == sorted(names)
    assert {one.receipt.rows for one in ended.values()} == {2}
    assert sorted(Folder(str(tmp_path / "shards")).sizes()) == sorted(f"{name}.parquet" for name in names)


def test_a_task_that_raises_fails_alone_and_says_why(tmp_path: Path) -> None:
    ended = outcomes(tmp_path, "good-1", "raises-1", "good-2")
    assert ended["raises-1"].error == "ValueError: no luck"
    assert "odd_stages" in ended["raises-1"].trace
    assert ended["good-1"].receipt
    assert ended["good-2"].receipt


def test_a_task_whose_worker_is_killed_once_is_made_by_another(tmp_path: Path) -> None:
    ended = outcomes(tmp_path, "dies_once-1", "good-1")
    assert ended["dies_once-1"].receipt
    assert tries(tmp_path, "dies_once-1") == 2


def test_a_task_that_kills_its_worker_three_times_fails_alone_and_is_named(tmp_path: Path) -> None:
    ended = outcomes(tmp_path, "good-1", "dies-1", "good-2", "good-3")
    assert ended["dies-1"].error == "its worker ended with signal 9, 3 times"
    assert tries(tmp_path, "dies-1") == 3
    assert all(ended[f"good-{number}"].receipt for number in (1, 2, 3))


def test_a_worker_that_refuses_its_set_up_refuses_the_run(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the weights are missing"):
        outcomes(tmp_path, "good-1", setup="refuses")


def test_workers_that_die_while_they_set_up_do_not_loop_for_ever(tmp_path: Path) -> None:
    with pytest.raises(TasksFailed, match="die while they set up"):
        outcomes(tmp_path, "good-1", "good-2", setup="dies")


def test_gpus_that_are_not_there_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(Refused, match="ask for 2 GPUs and this machine has 1"):
        outcomes(tmp_path, "good-1", gpus=2)


def test_no_worker_is_left_when_a_run_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    job = Job(Odd(tmp_path / "scratch"), Folder(str(tmp_path / "shards")), {}, max_failed=1.0)
    ended = LocalExecutor().execute(job, [Task("good-1"), Task("slow-1")], WorkerSettings(count=2))
    assert next(ended).name == "good-1"
    ended.close()
    assert not [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def test_workers_end_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(scratch)], env={**os.environ, "PYTHONPATH": PATHS})
    _until(lambda: (scratch / "slow-1").exists())
    worker = int((scratch / "slow-1").read_text())
    driver.kill()
    driver.wait()
    _until(lambda: not psutil.pid_exists(worker))


def test_a_replacement_that_cannot_set_up_does_not_take_the_other_tasks_with_it(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    job = Job(Flaky(tmp_path / "scratch"), Folder(str(tmp_path / "shards")), {}, max_failed=1.0)
    names = ["dies_once-1", *(f"good-{number}" for number in range(6))]
    ended = LocalExecutor().execute(job, [Task(name) for name in names], WorkerSettings(count=2))
    assert sorted(one.name for one in ended) == sorted(names)


PATHS = os.pathsep.join(sys.path)
DRIVER = """
import sys
from world.odd_stages import Odd
from manifests.storage import Folder
from pipeline.config import WorkerSettings
from pipeline.local_executor import LocalExecutor
from pipeline.worker import Job
from stages.base import Task
if __name__ == "__main__":
    job = Job(Odd(sys.argv[1]), Folder(sys.argv[1] + "/shards"), {}, 1.0)
    list(LocalExecutor().execute(job, [Task("slow-1")], WorkerSettings(count=1)))
"""


def _until(happened, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.05)
