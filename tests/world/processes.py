"""Scripts in processes of their own, whose memory can be told from the tests'."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")
TESTS = Path(__file__).parents[1]
PATHS = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}  # tests/stages is not its stages
# no test takes a fraction of this on the slowest machine: it turns a hang into a failure and decides nothing else
PATIENCE_S = 1200.0
PEAK = """
import resource, sys
from pathlib import Path
def peak():
    '''The most memory this process ever had, in MiB; Linux counts its parent's in ru_maxrss.'''
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) >> 10
"""


def until(happened: Callable[[], Found]) -> Found:
    """Wait for something that must happen; what `happened` found."""
    end = time.monotonic() + PATIENCE_S
    while not (found := happened()):
        assert time.monotonic() < end, f"did not happen within {PATIENCE_S:g} s"
        time.sleep(0.02)
    return found


def printed(script: str, *words: str) -> list[int]:
    """The whole numbers that a script prints, `peak()` at its hand."""
    ended = subprocess.run([sys.executable, "-c", PEAK + script, *words], env=PATHS, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return [int(word) for word in ended.stdout.split()]


def said(script: str, *words: str, **environment: str) -> str:
    """What a script prints, with more in its environment."""
    told = [sys.executable, "-c", script, *words]
    ended = subprocess.run(told, env={**PATHS, **environment}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@contextmanager
def writing(script: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs a script as far as its line "writing", and goes on when its input ends; killed afterwards."""
    world = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys" + script, *words],
        env=world,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "writing\n"
        yield process
    finally:
        process.kill()
        process.communicate()
