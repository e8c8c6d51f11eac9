"""A disk that fills up while shards are written: the task fails, says so, and leaves no half file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from world.commands import COMMAND, QUIET, blindpairs, demo_run

# no file may grow beyond 60 kB, and the signal that says so is ignored, as nohup and some shells do
LIMITED = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 300 kB, for as long as a test takes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_fails_the_task_in_one_line_and_keeps_whole_shards_only(scenes: Path, small_disk: Path) -> None:
    ended = blindpairs(*demo_run(scenes, small_disk))
    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert not list(small_disk.rglob("*.aside"))
    assert not (small_disk / "demo/embeddings/_lineage.json").exists()


def test_with_room_again_the_same_command_finishes(scenes: Path, small_disk: Path) -> None:
    assert blindpairs(*demo_run(scenes, small_disk)).returncode == 1
    subprocess.run(["mount", "-o", "remount,size=100m", small_disk], check=True)
    assert blindpairs(*demo_run(scenes, small_disk)).returncode == 0


def test_a_file_that_may_not_grow_fails_like_a_full_disk(scenes: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", LIMITED, *COMMAND, *demo_run(scenes, tmp_path)]
    ended = subprocess.run(words, env=QUIET, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert os.strerror(27) in ended.stderr  # File too large
    assert not list(tmp_path.rglob("*.aside"))
