"""A forget that is killed before any of its changes: the next one ends with the bytes of one that never was."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
from world.forgetting import classes, whole_lot
from world.growing import values
from world.inline import made_here
from world.processes import PATHS

from pipeline.forget.forget import forget


def test_killed_at_any_change_while_candidates_pass_to_a_successor_every_file_ends_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    run, tars = tmp_path / "test", tmp_path / "tars"
    for names, seed in ((["b", "d"], 5), (["a"], 4)):
        whole_lot(tars, names, Random(seed), pictures=6)
        manifests, _ = made_here(values(tars, search={"min_cosine": -0.5}), tmp_path)
    groups = classes(manifests)
    gone = min(groups, key=lambda name: (-len(groups[name]), name))
    shutil.copytree(run, tmp_path / "before")
    forget(str(run), [gone])
    run.rename(tmp_path / "ended")
    moved = [row for row in rows(tmp_path / "ended") if groups[gone] & {row["left_id"], row["right_id"]}]
    assert moved, "no candidate passed to a copy of the image that went"
    command = [sys.executable, "-m", "world.killing", *(str(tmp_path / name) for name in ("test", "before", "ended"))]
    told = subprocess.run([*command, gone], env=PATHS, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    *odd, tries = told.stdout.splitlines()
    assert odd == []
    assert int(tries) > 30


def rows(run: Path) -> list[dict[str, object]]:
    return pq.read_table(run / "candidates").to_pylist()
