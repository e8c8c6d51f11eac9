"""Commands in the test's own process: what a person meets, without the second that a process takes to load it all.

A command is a process of its own where a test is about that: signals, pipes, what is left when it ends.
"""

from __future__ import annotations

import signal
from contextlib import chdir
from pathlib import Path
from subprocess import CompletedProcess

from typer.testing import CliRunner

from pipeline.cli.app import app


def answered(*words: object, cwd: Path | None = None) -> CompletedProcess[str]:
    """Run a command to its end: its exit code, and what it said on either stream. What it does not expect is raised."""
    before = signal.getsignal(signal.SIGTERM)  # a command takes it for itself
    said = [str(word) for word in words]
    try:
        with chdir(cwd or Path.cwd()):
            ended = CliRunner().invoke(app, said, catch_exceptions=False, env={"COLUMNS": "200"})
    finally:
        signal.signal(signal.SIGTERM, before)
    return CompletedProcess(said, ended.exit_code, ended.stdout, ended.stderr)
