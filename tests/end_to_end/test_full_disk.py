"""A disk that fills up while shards are written: the task fails, says so, and leaves no half file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.commands import COMMAND, blindpairs, demo_run, environment
from world.disks import small_disk
from world.processes import PATIENCE_S

# no file may grow beyond 60 kB, and the signal that says so is ignored, as nohup and some shells do
LIMITED = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """300 kB, for as long as a test takes."""
    with small_disk(tmp_path / "small", "300k") as folder:
        yield folder


def test_a_full_disk_fails_the_task_in_one_line_keeps_whole_shards_only_and_with_room_again_the_run_finishes(
    scenes: Path, disk: Path
) -> None:
    ended = blindpairs(*demo_run(scenes, disk))
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert re.search(r"embeddings: No space left on device, [\d.]+ k?B are free.*; make room or use a larger", last)
    assert ended.stderr.count(" failed: ") <= 2  # of 8 shards: one for each worker
    assert "Traceback" not in ended.stderr
    assert not list(disk.rglob("*.aside"))
    assert not (disk / "demo/embeddings/_lineage.json").exists()
    subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
    assert blindpairs(*demo_run(scenes, disk)).returncode == 0


def test_a_file_that_may_not_grow_fails_like_a_full_disk(scenes: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", LIMITED, *COMMAND, *demo_run(scenes, tmp_path)]
    ended = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.returncode == 1
    assert os.strerror(27) in ended.stderr  # File too large
    assert not list(tmp_path.rglob("*.aside"))
