"""`ray job submit`: killed in the middle and submitted again it finishes, and its exit code is the job's."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from world.commands import COMMAND, demo_run
from world.gate import Gate
from world.processes import PATIENCE_S, TESTS, until
from world.runs import contents

from pipeline.run.layout import ORDER

RAY = [sys.executable, "-m", "ray.scripts.scripts"]
WORLD = {
    **os.environ,
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
}


class Jobs:
    """A Ray started by `ray start --head`, and its jobs."""

    def __init__(self, dashboard: str) -> None:
        self._dashboard = dashboard

    def submit(self, submission: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Until it has ended."""
        command = [*RAY, "job", "submit", "--address", self._dashboard, "--submission-id", submission]
        words = (*command, "--", *COMMAND, *words)

        def ended() -> subprocess.CompletedProcess[str] | None:
            """None while the dashboard is too busy to answer Ray's client, which gives it a few seconds."""
            done = subprocess.run(words, env=WORLD, capture_output=True, text=True, timeout=PATIENCE_S)
            return None if "Failed to connect to Ray" in done.stderr else done

        return until(ended)

    def begin(self, submission: str, *words: str) -> None:
        """As `ray job submit --no-wait`, which asks the same; again while Ray's job agent is still starting."""
        entrypoint = shlex.join([*COMMAND, *words])

        def begun() -> bool:
            try:
                self._asked("POST", "", {"submission_id": submission, "entrypoint": entrypoint})
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise
                return False
            return True

        until(begun)

    def status(self, submission: str) -> str:
        return self._asked("GET", submission)["status"]

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._dashboard}/api/version", timeout=5):
                return True
        except (OSError, urllib.error.URLError):
            return False

    def _asked(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self._dashboard}/api/jobs/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def jobs(gate: Gate) -> Iterator[Jobs]:
    gcs, dashboard = _free_port(), _free_port()
    words = ["--head", "--block", "--num-cpus", "2", "--port", str(gcs), "--object-store-memory", "80000000"]
    words += ["--include-dashboard", "true", "--dashboard-host", "127.0.0.1", "--dashboard-port", str(dashboard)]
    words += ["--ray-client-server-port", str(_free_port()), "--dashboard-agent-listen-port", str(_free_port())]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    head = subprocess.Popen([*RAY, "start", *words], env=gate.around(WORLD), **quiet)
    jobs = Jobs(f"http://127.0.0.1:{dashboard}")
    try:
        until(jobs.answers)
        yield jobs
    finally:
        everyone = [*psutil.Process(head.pid).children(recursive=True), psutil.Process(head.pid)]
        for process in everyone:
            process.kill()
        psutil.wait_procs(everyone, timeout=PATIENCE_S)


def test_killed_in_the_middle_and_submitted_again_it_finishes_with_the_same_bytes(
    jobs: Jobs, gate: Gate, scenes: Path, undisturbed: Path, tmp_path: Path
) -> None:
    words = demo_run(scenes, tmp_path / "job")
    gate.close(f"{tmp_path}/job/demo/embeddings/[!_]*.parquet", after=1)
    jobs.begin("demo", *words)
    until(gate.waiting)
    (driver,) = [
        one for one in psutil.process_iter(["cmdline"]) if str(tmp_path / "job") in (one.info["cmdline"] or ())
    ]
    driver.kill()
    gate.open()
    until(lambda: jobs.status("demo") == "FAILED")
    ended = jobs.submit("demo-again", *words)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "blind pairs among" in ended.stdout
    assert "Ray at" in ended.stdout  # it found the cluster it is a job of
    for step in ORDER:
        assert contents(tmp_path / "job/demo" / step) == contents(undisturbed / step), step


def test_a_refusal_fails_the_job_and_is_a_line_in_its_log(jobs: Jobs, scenes: Path, tmp_path: Path) -> None:
    ended = jobs.submit("refused", *demo_run(scenes, tmp_path, "--set", "search.min_cosine=2"))
    assert ended.returncode == 1
    assert "blindpairs: demo: search.min_cosine" in ended.stdout
    assert "exit code 2" in ended.stdout + ended.stderr


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
