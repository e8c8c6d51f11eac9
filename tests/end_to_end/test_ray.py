"""A cluster of three raylets: the same bytes as without Ray, whatever is killed meanwhile."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster
from world.clusters import raylet, raylets
from world.commands import blindpairs, demo_run, environment, started
from world.gate import Gate
from world.processes import PATIENCE_S, until
from world.runs import contents

from manifests.storage import Folder
from pipeline.demo.shards import pack
from pipeline.runs import ORDER
from pipeline.watch.events import read_events

ROUNDS = int(os.environ.get("BLINDPAIRS_CHAOS", "2"))
SEED = 20261121


@dataclass(frozen=True)
class Undisturbed:
    """A run without Ray, the same on the cluster, and how many shards its workers made."""

    run: Path
    on_cluster: Path
    shards: int


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than elsewhere, so that workers are busy for most of a run."""
    folder = tmp_path_factory.mktemp("scenes")
    pack(folder, count=600, shard_rows=50)
    return folder


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """It holds workers, and no driver."""
    return Gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def cluster(gate: Gate) -> Iterator[Cluster]:
    with raylets(3, env_vars=gate.around(environment())) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def undisturbed(scenes: Path, cluster: Cluster, gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    root = tmp_path_factory.mktemp("undisturbed")
    assert blindpairs(*demo_run(scenes, root / "off", "--ray", "off")).returncode == 0
    gate.close(f"{root}/on/demo/*/[!_]*.parquet", after=1000)  # it only counts
    ended = blindpairs(*demo_run(scenes, root / "on", "--ray", cluster.address))
    assert ended.returncode == 0, ended.stderr
    return Undisturbed(root / "off/demo", root / "on/demo", gate.passed())


def assert_same_bytes(run: Path, as_run: Path) -> None:
    for step in ORDER:
        assert contents(run / step) == contents(as_run / step), step


def test_three_raylets_give_the_same_bytes_as_no_ray_at_all(undisturbed: Undisturbed) -> None:
    assert_same_bytes(undisturbed.on_cluster, undisturbed.run)


def kill_worker(cluster: Cluster, driver: subprocess.Popen[str], busy: int, gate: Gate) -> None:
    os.kill(busy, signal.SIGKILL)


def kill_raylet(cluster: Cluster, driver: subprocess.Popen[str], busy: int, gate: Gate) -> None:
    """The machine of the busy worker goes away, another one comes."""
    nodes = {node.all_processes["raylet"][0].process.pid: node for node in cluster.worker_nodes}
    cluster.remove_node(nodes[psutil.Process(busy).ppid()], allow_graceful=False)
    raylet(cluster, env_vars=gate.around(environment()))


def kill_driver(cluster: Cluster, driver: subprocess.Popen[str], busy: int, gate: Gate) -> None:
    driver.send_signal(signal.SIGKILL)


@pytest.mark.timeout(4 * 3600)
def test_chaos(scenes: Path, cluster: Cluster, gate: Gate, undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Each round kills one thing before a random shard: it ends committed, with the same bytes, not an image lost."""
    dice, deeds = random.Random(SEED), [kill_worker, kill_raylet, kill_driver]
    dice.shuffle(deeds)
    for number in range(ROUNDS):
        deed, root = deeds[number % 3], tmp_path / str(number)
        words = demo_run(scenes, root, "--ray", cluster.address)
        gate.close(f"{root}/demo/*/[!_]*.parquet", after=dice.randrange(undisturbed.shards))
        driver = started(*words)
        deed(cluster, driver, until(gate.waiting)[0], gate)
        gate.open()
        _, said = driver.communicate(timeout=PATIENCE_S)
        if deed is kill_driver:
            driver = subprocess.CompletedProcess(words, *_again(words))
        assert driver.returncode == 0, said
        assert_same_bytes(root / "demo", undisturbed.run)
        again = _retried(root / "demo")
        print(f"round {number}: {deed.__name__}; tried again: {', '.join(again) or 'nothing'}")
        assert again or deed is kill_driver


def _again(words: list[str]) -> tuple[int, str]:
    ended = blindpairs(*words)
    return ended.returncode, ended.stderr


def _retried(run: Path) -> list[str]:
    events = (event for drive in read_events(Folder(str(run))) for event in drive)
    return [f"{event['step']}/{event['task']}" for event in events if event["event"] == "set back"]
