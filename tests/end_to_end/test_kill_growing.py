"""A real driver of a growing run, really killed: the same command goes on, and nothing old is touched."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest
from world.commands import blindpairs, demo_run, started
from world.gate import Gate
from world.growing import left
from world.inline import demo_here
from world.processes import PATIENCE_S, until
from world.runs import contents

from pipeline.cli.summaries import lineage_of
from pipeline.reports.audit.audit import audit
from pipeline.run.run import Run

pytestmark = pytest.mark.slow

STEPS = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")
MOMENTS = 3


def grown_source(scenes: Path, folder: Path, count: int) -> Path:
    """The first so many of the scenes' tars."""
    folder.mkdir(exist_ok=True)
    for path in sorted(scenes.glob("*.tar"))[:count]:
        shutil.copy2(path, folder)
    return folder


def written(run: Path) -> set[tuple[int, str]]:
    """Every file of its steps; one that is written anew is another."""
    return {(path.stat().st_ino, path.name) for step in STEPS for path in (run / step).glob("*")}


def test_killed_while_it_grows_the_same_command_ends_with_the_same_bytes(scenes: Path, tmp_path: Path) -> None:
    source = grown_source(scenes, tmp_path / "tars", 5)
    run = demo_here(source, tmp_path / "disturbed")
    shutil.copytree(run, tmp_path / "undisturbed/demo")
    old = {name: mark for name, mark in left(run).items() if not name.startswith("pairs/")}
    grown_source(scenes, source, 8)
    there = written(tmp_path / "undisturbed/demo")
    undisturbed = demo_here(source, tmp_path / "undisturbed")
    files, dice, gate, before = len(written(undisturbed) - there), random.Random(2025), Gate(tmp_path), dict(old)
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
        assert contents(run / step) == contents(undisturbed / step)
    assert "it grew: " in str(lineage_of(Run.open(str(run)), "candidates"))
    assert not audit(Run.open(str(run)), images=100, seed=0).defect
