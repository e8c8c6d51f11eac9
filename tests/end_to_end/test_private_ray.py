"""`--ray local`: a Ray of the run's own, which ends with it."""

from __future__ import annotations

from pathlib import Path

from world.commands import blindpairs, demo_run, started
from world.gate import Gate
from world.processes import PATIENCE_S, until
from world.runs import contents

from pipeline.run.layout import ORDER


def test_a_stop_under_a_private_ray_is_told_like_any_other(scenes: Path, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    gate.close(f"{tmp_path}/demo/images/[!_]*.parquet")
    driver = started(*demo_run(scenes, tmp_path, "--ray", "local"), gate=gate)
    until(gate.waiting)
    driver.terminate()
    _, said = driver.communicate(timeout=PATIENCE_S)
    assert driver.returncode == 130
    assert said.splitlines()[-1].startswith("blindpairs: stopped; finished shards are kept")
    assert "***" not in said  # Ray's own handler would print a dump


def test_it_gives_the_same_bytes_as_no_ray_at_all(scenes: Path, undisturbed: Path, tmp_path: Path) -> None:
    ended = blindpairs(*demo_run(scenes, tmp_path, "--ray", "local"))
    assert ended.returncode == 0, ended.stderr
    for step in ORDER:
        assert contents(tmp_path / "demo" / step) == contents(undisturbed / step), step
