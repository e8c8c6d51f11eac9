"""A cluster of three raylets: the same bytes as without Ray, whatever is killed meanwhile."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster
from world.clusters import raylet, raylets
from world.commands import blindpairs, demo_run, started
from world.processes import until
from world.runs import contents

from manifests.storage import Folder
from pipeline.demo.shards import pack
from pipeline.runs import ORDER
from pipeline.watch.events import read_events

ROUNDS = int(os.environ.get("BLINDPAIRS_CHAOS", "2"))
SEED = 20261121


@dataclass(frozen=True)
class Undisturbed:
    """A run without Ray, the same on the cluster, and how long that takes."""

    run: Path
    on_cluster: Path
    seconds: float


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than elsewhere, so that workers are busy for most of a run."""
    folder = tmp_path_factory.mktemp("scenes")
    pack(folder, count=600, shard_rows=50)
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with raylets(3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def undisturbed(scenes: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    root = tmp_path_factory.mktemp("undisturbed")
    assert blindpairs(*demo_run(scenes, root / "off", "--ray", "off")).returncode == 0
    began = time.monotonic()
    ended = blindpairs(*demo_run(scenes, root / "on", "--ray", cluster.address))
    assert ended.returncode == 0, ended.stderr
    return Undisturbed(root / "off/demo", root / "on/demo", time.monotonic() - began)


def assert_same_bytes(run: Path, as_run: Path) -> None:
    for step in ORDER:
        assert contents(run / step) == contents(as_run / step), step


def test_three_raylets_give_the_same_bytes_as_no_ray_at_all(undisturbed: Undisturbed) -> None:
    assert_same_bytes(undisturbed.on_cluster, undisturbed.run)


def busy_workers(driver: subprocess.Popen[str]) -> list[psutil.Process]:
    """Processes of actors that have a task in hand, by the name Ray shows it under; waits for one."""
    steps, found = tuple(f"ray::{step}/" for step in ORDER), list[psutil.Process]()

    def looked() -> bool:
        named = ((one, " ".join(one.info["cmdline"] or ())) for one in psutil.process_iter(["cmdline"]))
        found[:] = [one for one, title in named if title.startswith(steps)]
        return bool(found) or driver.poll() is not None

    until(looked)
    return found


def kill_worker(cluster: Cluster, driver: subprocess.Popen[str], dice: random.Random) -> None:
    for worker in busy_workers(driver)[:1]:
        worker.kill()


def kill_raylet(cluster: Cluster, driver: subprocess.Popen[str], dice: random.Random) -> None:
    """The machine of a busy worker goes away, another one comes."""
    pids = {node.all_processes["raylet"][0].process.pid: node for node in cluster.worker_nodes}
    busy = [worker.ppid() for worker in busy_workers(driver)[:1]]
    gone = pids.get(busy[0]) if busy else None
    cluster.remove_node(gone or dice.choice(list(pids.values())), allow_graceful=False)
    raylet(cluster)


def kill_driver(cluster: Cluster, driver: subprocess.Popen[str], dice: random.Random) -> None:
    driver.send_signal(signal.SIGKILL)


@pytest.mark.timeout(1800)
def test_chaos(scenes: Path, cluster: Cluster, undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Each round kills one thing at a random moment: it ends committed, with the same bytes, not an image lost."""
    dice, deeds = random.Random(SEED), [kill_worker, kill_raylet, kill_driver]
    dice.shuffle(deeds)
    retried: list[str] = []
    for number in range(ROUNDS):
        deed, root = deeds[number % 3], tmp_path / str(number)
        words = demo_run(scenes, root, "--ray", cluster.address)
        driver = started(*words)
        until(lambda root=root: (root / "demo/images/_plan.json").exists())
        time.sleep(dice.uniform(0, 0.7 * undisturbed.seconds))
        deed(cluster, driver, dice)
        _, said = driver.communicate(timeout=300)
        if deed is kill_driver:
            driver = subprocess.CompletedProcess(words, *_again(words))
        assert driver.returncode == 0, said
        assert_same_bytes(root / "demo", undisturbed.run)
        retried += (again := _retried(root / "demo"))
        print(f"round {number}: {deed.__name__}; tried again: {', '.join(again) or 'nothing'}")
    assert retried


def _again(words: list[str]) -> tuple[int, str]:
    ended = blindpairs(*words)
    return ended.returncode, ended.stderr


def _retried(run: Path) -> list[str]:
    events = (event for drive in read_events(Folder(str(run))) for event in drive)
    return [f"{event['step']}/{event['task']}" for event in events if event["event"] == "set back"]
