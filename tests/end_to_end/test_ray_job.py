"""`ray job submit`, as the guide has it: killed and submitted again it finishes, and its exit code is the job's.

The cluster asks for a token, which is in the home of whoever submits.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
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
GUIDE = TESTS.parent / "docs/guides/cluster.md"
WORLD = {
    **{name: value for name, value in os.environ.items() if name != "RAY_AUTH_TOKEN"},
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
}


def documented(submission: str, words: Sequence[str]) -> list[str]:
    """The guide's line that submits a job, with another id and other words for blindpairs."""
    line = next(line for line in GUIDE.read_text().splitlines() if line.startswith("ray job submit "))
    ray, job, submit, option, _, dashes, command, *_ = shlex.split(line)
    assert (ray, option, dashes, command) == ("ray", "--submission-id", "--", "blindpairs")
    return [*RAY, job, submit, option, submission, dashes, *COMMAND, *words]


class Jobs:
    """A Ray started by `ray start --head`, and its jobs. Its token is in the home of `world` alone."""

    def __init__(self, dashboard: str, world: Mapping[str, str]) -> None:
        self._dashboard, self.world = dashboard, {**world, "RAY_API_SERVER_ADDRESS": dashboard}
        asked = subprocess.run([*RAY, "get-auth-token"], env=world, capture_output=True, text=True, check=True)
        self._token = asked.stdout.split()[-1]

    def submit(self, submission: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Until it has ended."""
        line = documented(submission, words)

        def ended() -> subprocess.CompletedProcess[str] | None:
            """None while the dashboard is too busy to answer Ray's client, which gives it a few seconds."""
            done = subprocess.run(line, env=self.world, capture_output=True, text=True, timeout=PATIENCE_S)
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

    def all(self) -> list[dict[str, Any]]:
        return self._asked("GET", "")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._request("version"), timeout=5):
                return True
        except (OSError, urllib.error.URLError):
            return False

    def _asked(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        data = json.dumps(body).encode() if body else None
        with urllib.request.urlopen(self._request(f"jobs/{path}", data, method), timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def _request(self, path: str, data: bytes | None = None, method: str = "GET") -> urllib.request.Request:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        return urllib.request.Request(f"{self._dashboard}/api/{path}", data, headers, method=method)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def jobs(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    world = {**WORLD, "HOME": str(tmp_path_factory.mktemp("home"))}
    subprocess.run([*RAY, "get-auth-token", "--generate"], env=world, capture_output=True, check=True)
    gcs, dashboard = _free_port(), _free_port()
    words = ["--head", "--block", "--num-cpus", "2", "--port", str(gcs), "--object-store-memory", "80000000"]
    words += ["--include-dashboard", "true", "--dashboard-host", "127.0.0.1", "--dashboard-port", str(dashboard)]
    words += ["--ray-client-server-port", str(_free_port()), "--dashboard-agent-listen-port", str(_free_port())]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    head = subprocess.Popen([*RAY, "start", *words], env=gate.around(world), **quiet)
    jobs = Jobs(f"http://127.0.0.1:{dashboard}", world)
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


def test_without_the_token_no_job_is_taken(jobs: Jobs, tmp_path: Path) -> None:
    stranger = {**jobs.world, "HOME": str(tmp_path), "RAY_AUTH_MODE": "disabled"}
    ended = subprocess.run(documented("stranger", ["--version"]), env=stranger, capture_output=True, text=True)
    assert ended.returncode != 0
    assert "stranger" not in [job["submission_id"] for job in jobs.all()]


def test_a_refusal_fails_the_job_and_is_a_line_in_its_log(jobs: Jobs, scenes: Path, tmp_path: Path) -> None:
    ended = jobs.submit("refused", *demo_run(scenes, tmp_path, "--set", "search.min_cosine=2"))
    assert ended.returncode == 1
    assert "blindpairs: demo: search.min_cosine" in ended.stdout
    assert "exit code 2" in ended.stdout + ended.stderr


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
