"""Without processes: what would start one is skipped, in whatever way and thread; all else runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from world.processes import TESTS

ASKED = """
import multiprocessing, os, subprocess, sys, threading
import pytest

def run():
    subprocess.run([sys.executable, "-c", "pass"], check=True)

@pytest.fixture(scope="module")
def started():
    run()

def test_plain(): pass
def test_run(): run()
def test_spawn():
    process = multiprocessing.get_context("spawn").Process(target=print)
    process.start()
def test_shell(): assert os.system("true") == 0
def test_fixture(started): pass
def test_swallowed():
    try:
        run()
    except Exception:
        pass
def test_thread():
    ended = []
    thread = threading.Thread(target=lambda: (run(), ended.append(1)))
    thread.start()
    thread.join()
    assert ended
def test_wrong(): assert False
"""


def test_what_starts_a_process_is_skipped_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "test_asked.py").write_text(ASKED)
    words = ["-m", "pytest", "-c", "/dev/null", "-p", "world.processless", "-rs", "-q", "test_asked.py"]
    told = [
        subprocess.run([sys.executable, *words, *more], cwd=tmp_path, env=_world(), capture_output=True, text=True)
        for more in (["--without-processes"], [])
    ]
    assert re.search(r"1 failed, 1 passed, 6 skipped", told[0].stdout), told[0].stdout
    assert re.search(r"1 failed, 7 passed", told[1].stdout), told[1].stdout


def _world() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTHONPATH": str(TESTS)}
