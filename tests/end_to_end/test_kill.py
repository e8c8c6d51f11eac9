"""Real processes, really killed: the same command goes on, and ends with the same bytes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from world.commands import blindpairs, demo_run, started
from world.gate import Gate
from world.processes import PATIENCE_S, until
from world.runs import contents

pytestmark = pytest.mark.slow

STEPS = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")
MOMENTS = 4


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def whole_shards(run: Path) -> dict[str, tuple[int, int]]:
    found = (path for step in STEPS for path in (run / step).glob("[!_]*.parquet"))
    return {f"{p.parent.name}/{p.name}": (p.stat().st_ino, p.stat().st_mtime_ns) for p in found}


def same_bytes(run: Path, as_run: Path) -> bool:
    return all(contents(run / step) == contents(as_run / step) for step in STEPS)


def files(run: Path) -> int:
    """How many files its steps have: shards, plans and commits."""
    return sum(1 for step in STEPS for path in (run / step).glob("*") if path.suffix != ".aside")


def killed(driver: subprocess.Popen[str]) -> None:
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=PATIENCE_S)


def test_killed_in_its_first_two_steps_and_before_random_files_the_same_command_ends_with_the_same_bytes(
    scenes: Path, undisturbed: Path, tmp_path: Path, gate: Gate
) -> None:
    dice, run, before = random.Random(2024), tmp_path / "demo", dict[str, tuple[int, int]]()
    for step in (*STEPS[:2], *["*"] * MOMENTS):
        if (left := files(undisturbed) - files(run)) == 0:
            assert same_bytes(run, undisturbed)
            shutil.rmtree(run)
            left, before = files(undisturbed), {}
        if step == "*":
            gate.close(f"{run}/*/*", after=dice.randrange(left))
        else:
            gate.close(f"{run}/{step}/[!_]*.parquet", after=1)
        driver = started(*demo_run(scenes, tmp_path), gate=gate)
        until(lambda driver=driver: gate.waiting() or driver.poll() is not None)
        killed(driver)
        after = whole_shards(run)
        assert {name: after[name] for name in before} == before, "a shard that was there was made again"
        assert step == "*" or any(name.startswith(f"{step}/") for name in after), "nothing was there to keep"
        before = after
    ended = blindpairs(*demo_run(scenes, tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert same_bytes(run, undisturbed)
    after = whole_shards(run)
    assert {name: after[name] for name in before} == before, "a shard that was there was made again"


def test_a_killed_worker_costs_nothing_but_time(scenes: Path, undisturbed: Path, tmp_path: Path, gate: Gate) -> None:
    gate.close(f"{tmp_path}/demo/embeddings/[!_]*.parquet", after=1)
    driver = started(*demo_run(scenes, tmp_path, "--until", "embeddings"), gate=gate)
    worker, *_ = until(gate.waiting)
    assert worker in [child.pid for child in psutil.Process(driver.pid).children()]
    os.kill(worker, signal.SIGKILL)
    gate.open()
    _, said = driver.communicate(timeout=PATIENCE_S)
    assert driver.returncode == 0, said
    assert "its worker ended with signal 9" in said
    for step in STEPS[:2]:
        assert contents(tmp_path / "demo" / step) == contents(undisturbed / step)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "sigterm"])
def test_a_stop_is_at_once_says_what_to_do_and_leaves_nobody_behind(
    scenes: Path, tmp_path: Path, gate: Gate, stop: signal.Signals
) -> None:
    gate.close(f"{tmp_path}/demo/images/[!_]*.parquet", after=1)
    driver = started(*demo_run(scenes, tmp_path), gate=gate)
    until(gate.waiting)  # what is in hand would not end by itself
    crew = psutil.Process(driver.pid).children(recursive=True)
    os.killpg(driver.pid, stop)
    _, said = driver.communicate(timeout=PATIENCE_S)
    assert driver.returncode == 130
    assert said.strip().splitlines()[-1].startswith("blindpairs: stopped; finished shards are kept")
    assert "Traceback" not in said
    assert not psutil.wait_procs(crew, timeout=PATIENCE_S)[1]


def test_a_second_driver_is_refused_with_the_firsts_host_process_and_time(
    scenes: Path, tmp_path: Path, gate: Gate
) -> None:
    gate.close(f"{tmp_path}/demo/images/*")
    first = started(*demo_run(scenes, tmp_path, "--until", "images"), gate=gate)
    until(gate.waiting)
    second = blindpairs(*demo_run(scenes, tmp_path))
    assert second.returncode == 2
    assert f"is being made by process {first.pid} on " in second.stderr
    gate.open()
    first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 0
