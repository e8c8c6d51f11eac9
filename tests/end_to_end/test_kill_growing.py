"""A real driver of a growing run, really killed: the same command goes on, and nothing old is touched."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

from world.commands import blindpairs, demo_run, started
from world.gate import Gate
from world.growing import left
from world.processes import PATIENCE_S, until
from world.runs import contents

STEPS = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")
MOMENTS = 4


def grown_source(scenes: Path, folder: Path, count: int) -> Path:
    """The first so many of the scenes' tars."""
    folder.mkdir(exist_ok=True)
    for path in sorted(scenes.glob("*.tar"))[:count]:
        shutil.copy2(path, folder)
    return folder


def test_killed_while_it_grows_the_same_command_ends_with_the_same_bytes(scenes: Path, tmp_path: Path) -> None:
    source = grown_source(scenes, tmp_path / "tars", 5)
    assert blindpairs(*demo_run(source, tmp_path / "disturbed")).returncode == 0
    shutil.copytree(tmp_path / "disturbed", tmp_path / "undisturbed")
    run = tmp_path / "disturbed/demo"
    old = {name: mark for name, mark in left(run).items() if not name.startswith("pairs/")}
    grown_source(scenes, source, 8)
    dice, gate, before = random.Random(2025), Gate(tmp_path), dict(old)
    gate.close(f"{tmp_path}/undisturbed/demo/*/*", after=1000)  # it only counts: there are some dozens
    undisturbed = started(*demo_run(source, tmp_path / "undisturbed"), gate=gate)
    _, said = undisturbed.communicate(timeout=PATIENCE_S)
    assert undisturbed.returncode == 0, said
    files = gate.passed()
    for _ in range(MOMENTS):
        gate.close(f"{run}/*/*", after=dice.randrange(1 + files // 2))
        driver = started(*demo_run(source, tmp_path / "disturbed"), gate=gate)
        until(lambda driver=driver: gate.waiting() or driver.poll() is not None)
        driver.send_signal(signal.SIGKILL)
        driver.communicate(timeout=PATIENCE_S)
        files -= gate.passed()
        there = left(run)
        assert {name: there[name] for name in before} == before
        before = {name: mark for name, mark in there.items() if not name.startswith("pairs/")}
    ended = blindpairs(*demo_run(source, tmp_path / "disturbed"))
    assert ended.returncode == 0, ended.stderr
    after = left(run)
    assert {name: after[name] for name in before} == before, "a shard that was there was made again"
    for step in STEPS:
        assert contents(run / step) == contents(tmp_path / "undisturbed/demo" / step)
    told = blindpairs("lineage", str(run), "candidates").stdout
    assert "it grew: " in told
    assert blindpairs("audit", str(run)).returncode == 0
