"""Real processes, really killed: the same command goes on, and ends with the same bytes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest
from world.commands import blindpairs, demo_run, started
from world.processes import until
from world.runs import contents

STEPS = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")
MOMENTS = 10


@pytest.fixture(scope="module")
def undisturbed(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A run nobody disturbed, and how many seconds it took."""
    root = tmp_path_factory.mktemp("undisturbed")
    began = time.monotonic()
    ended = blindpairs(*demo_run(scenes, root))
    assert ended.returncode == 0, ended.stderr
    return root / "demo", time.monotonic() - began


def whole_shards(run: Path) -> dict[str, tuple[int, int]]:
    found = (path for step in STEPS for path in (run / step).glob("[!_]*.parquet"))
    return {f"{p.parent.name}/{p.name}": (p.stat().st_ino, p.stat().st_mtime_ns) for p in found}


def same_bytes(run: Path, as_run: Path) -> bool:
    return all(contents(run / step) == contents(as_run / step) for step in STEPS)


@pytest.mark.timeout(900)
def test_killed_at_ten_random_moments_the_same_command_ends_with_the_same_bytes(
    scenes: Path, undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    expected, seconds = undisturbed
    dice, run = random.Random(2024), tmp_path / "demo"
    for _ in range(MOMENTS):
        driver = started(*demo_run(scenes, tmp_path))
        time.sleep(dice.uniform(0.2, 0.9 * seconds))
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        before = whole_shards(run)
        if len(before) == len(whole_shards(expected)):  # it had come to its end: begin anew
            assert blindpairs(*demo_run(scenes, tmp_path)).returncode == 0
            assert same_bytes(run, expected)
            shutil.rmtree(run)
    before = whole_shards(run)
    ended = blindpairs(*demo_run(scenes, tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert same_bytes(run, expected)
    after = whole_shards(run)
    assert {name: after[name] for name in before} == before, "a shard that was there was made again"


def test_killed_once_in_each_step_only_missing_shards_are_made(
    scenes: Path, undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    for step in STEPS[:2]:
        driver = started(*demo_run(scenes, tmp_path))
        until(lambda step=step: any((tmp_path / "demo" / step).glob("[!_]*.parquet")))
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        before = whole_shards(tmp_path / "demo")
        assert before
    assert blindpairs(*demo_run(scenes, tmp_path)).returncode == 0
    after = whole_shards(tmp_path / "demo")
    assert {name: after[name] for name in before} == before
    assert same_bytes(tmp_path / "demo", undisturbed[0])


def test_a_killed_worker_costs_nothing_but_time(scenes: Path, undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    driver = started(*demo_run(scenes, tmp_path))
    until(lambda: any((tmp_path / "demo/embeddings").glob("[!_]*.parquet")))
    workers = [c for c in psutil.Process(driver.pid).children() if "spawn_main" in " ".join(c.cmdline())]
    workers[0].kill()
    _, said = driver.communicate(timeout=120)
    assert driver.returncode == 0, said
    assert same_bytes(tmp_path / "demo", undisturbed[0])


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "sigterm"])
def test_a_stop_is_at_once_says_what_to_do_and_leaves_nobody_behind(
    scenes: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    driver = started(*demo_run(scenes, tmp_path))
    until(lambda: any((tmp_path / "demo/images").glob("[!_]*.parquet")))
    crew = psutil.Process(driver.pid).children(recursive=True)
    os.killpg(driver.pid, stop)
    _, said = driver.communicate(timeout=30)
    assert driver.returncode == 130
    assert said.strip().splitlines()[-1].startswith("blindpairs: stopped; whole shards are kept")
    assert "Traceback" not in said
    assert not psutil.wait_procs(crew, timeout=10)[1]


def test_a_second_driver_is_refused_with_the_firsts_host_process_and_time(scenes: Path, tmp_path: Path) -> None:
    first = started(*demo_run(scenes, tmp_path))
    until(lambda: (tmp_path / "demo/images").is_dir())
    second = blindpairs(*demo_run(scenes, tmp_path))
    assert second.returncode == 2
    assert f"is being made by process {first.pid} on " in second.stderr
    first.communicate(timeout=120)
    assert first.returncode == 0
