"""The command line as a person runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from world.gate import Gate
from world.processes import PATIENCE_S, TESTS

UNHURRIED = "world.unhurried"
COMMAND = [sys.executable, "-m", UNHURRIED]


def environment(gate: Gate | None = None) -> dict[str, str]:
    """That of the test, in which Python finds this folder; `gate` may hold who is started in it."""
    world = {"PYTHONUNBUFFERED": "1", "COLUMNS": "200", **os.environ}
    paths = [str(TESTS.parent), str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    world["PYTHONPATH"] = os.pathsep.join(paths)
    return gate.around(world) if gate else world


def blindpairs(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in the environment of the test."""
    command = [*COMMAND, *words]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S)


def started(
    *words: str, cwd: Path | None = None, gate: Gate | None = None, module: str = UNHURRIED
) -> subprocess.Popen[str]:
    """Start a command in a session of its own, so that a signal to it reaches nobody else; `gate` may hold it."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=cwd,
        env=environment(gate),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def demo_run(scenes: Path | str, root: Path | str, *more: str) -> list[str]:
    """The words that run the demo recipe on these scenes."""
    return ["run", "demo", "--set", f"images.sources.0.uri={scenes}/*.tar", "--root", str(root), *more]
