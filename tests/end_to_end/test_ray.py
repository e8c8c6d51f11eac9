"""A cluster of three raylets: the same bytes as without Ray, whatever is killed meanwhile."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster
from world.authoring import frozen_run
from world.clusters import raylet, raylets
from world.commands import blindpairs, demo_run, environment, started
from world.gate import Gate
from world.processes import PATIENCE_S, until
from world.runs import contents

from manifests.storage import Folder
from pipeline.run.events.events import read_events
from pipeline.run.layout import ORDER

ROUNDS = int(os.environ.get("BLINDPAIRS_CHAOS", "2"))
SEED = 20261121


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """It holds workers, and no driver."""
    return Gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def cluster(gate: Gate) -> Iterator[Cluster]:
    with raylets(3, env_vars=gate.around(environment())) as cluster:
        yield cluster


def assert_same_bytes(run: Path, as_run: Path) -> None:
    for step in ORDER:
        assert contents(run / step) == contents(as_run / step), step


def test_an_evaluation_gives_the_same_rows_as_without_ray(cluster: Cluster, tmp_path: Path) -> None:
    models = ("--model", "a=always_a", "--model", "all=oracle")
    runs = [frozen_run(tmp_path / where, 6) for where in ("here", "there")]
    for run, more in zip(runs, ((), ("--ray", cluster.address)), strict=True):
        ended = blindpairs("evaluate", str(run), *models, *more)
        assert ended.returncode == 0, ended.stderr
    here, there = (shards(run / "evaluation-1") for run in runs)
    assert here == there
    assert len(here) == 3  # the answers of each model, and the scores


def shards(evaluation: Path) -> dict[str, bytes]:
    """What no clock and no place is in."""
    return {f"{path.parent.name}/{path.name}": path.read_bytes()
            for step in ("answers", "scores") for path in (evaluation / step).glob("*.parquet")}  # fmt: skip


def test_three_raylets_give_the_same_bytes_as_no_ray_at_all(
    scenes: Path, cluster: Cluster, undisturbed: Path, tmp_path: Path
) -> None:
    ended = blindpairs(*demo_run(scenes, tmp_path, "--ray", cluster.address))
    assert ended.returncode == 0, ended.stderr
    assert_same_bytes(tmp_path / "demo", undisturbed)


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
def test_chaos(scenes: Path, cluster: Cluster, gate: Gate, undisturbed: Path, tmp_path: Path) -> None:
    """Each round kills one thing before a random shard: it ends committed, with the same bytes, not an image lost."""
    dice, deeds = random.Random(SEED), [kill_worker, kill_raylet, kill_driver]
    dice.shuffle(deeds)
    shards = len(list(undisturbed.glob("*/[!_]*.parquet")))
    for number in range(ROUNDS):
        deed, root = deeds[number % 3], tmp_path / str(number)
        words = demo_run(scenes, root, "--ray", cluster.address)
        gate.close(f"{root}/demo/*/[!_]*.parquet", after=dice.randrange(shards))
        driver = started(*words)
        deed(cluster, driver, until(gate.waiting)[0], gate)
        gate.open()
        _, said = driver.communicate(timeout=PATIENCE_S)
        if deed is kill_driver:
            driver = subprocess.CompletedProcess(words, *_again(words))
        assert driver.returncode == 0, said
        assert_same_bytes(root / "demo", undisturbed)
        again = _retried(root / "demo")
        print(f"round {number}: {deed.__name__}; tried again: {', '.join(again) or 'nothing'}")
        assert again or deed is kill_driver


def _again(words: list[str]) -> tuple[int, str]:
    ended = blindpairs(*words)
    return ended.returncode, ended.stderr


def _retried(run: Path) -> list[str]:
    events = (event for drive in read_events(Folder(str(run))) for event in drive)
    return [f"{event['step']}/{event['task']}" for event in events if event["event"] == "set back"]
