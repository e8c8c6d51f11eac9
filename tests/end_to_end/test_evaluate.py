"""Evaluations whose drivers are really killed: the same command goes on, and nothing is paid for twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from world.authoring import frozen_run
from world.commands import blindpairs, started
from world.holding_server import HoldingServer, holding_server
from world.processes import PATIENCE_S, until

pytestmark = pytest.mark.slow

PAIRS, IN_FLIGHT = 40, 4
KILLS = int(os.environ.get("BLINDPAIRS_KILLS", "3"))


def asking(run: Path, url: str) -> list[str]:
    return ["evaluate", str(run), "--model", f"gpt=openai:made-up,url={url},in_flight={IN_FLIGHT}"]


def killed(run: Path, server: HoldingServer, url: str, after: int) -> None:
    """Start the command, let the server reply so often, and kill the command with all it started."""
    server.hold_after(after)
    driver = started(*asking(run, url))
    until(lambda: server.holding() or driver.poll() is not None)
    assert driver.poll() is None, driver.communicate()[1]
    for process in [*psutil.Process(driver.pid).children(recursive=True), psutil.Process(driver.pid)]:
        process.send_signal(signal.SIGKILL)
    driver.communicate(timeout=PATIENCE_S)
    server.drop()


def shards(step: Path) -> list[bytes]:
    return [shard.read_bytes() for shard in sorted(step.glob("*.parquet"))]


def rows_of(step: Path) -> list[dict[str, object]]:
    """Its rows, without how long each reply took."""
    rows = [row for shard in sorted(step.glob("*.parquet")) for row in pq.read_table(shard).to_pylist()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_killed_at_any_moment_it_asks_nothing_twice_but_what_was_in_flight(tmp_path: Path) -> None:
    run, dice = frozen_run(tmp_path, PAIRS), random.Random(2026)
    shutil.copytree(run, undisturbed := tmp_path / "undisturbed" / "made")
    with holding_server() as (server, url):
        for _ in range(KILLS):
            killed(run, server, url, dice.randrange(2 * PAIRS // KILLS))
        ended = blindpairs(*asking(run, url))
        assert ended.returncode == 0, ended.stderr
        assert len(server.asked) == 2 * PAIRS
        assert server.asked.total() - len(server.asked) <= KILLS * IN_FLIGHT
        again = blindpairs(*asking(undisturbed, url))
        assert again.returncode == 0, again.stderr
    assert shards(run / "evaluation-1" / "scores") == shards(undisturbed / "evaluation-1" / "scores")
    for step in ("predictions-gpt", "answers"):
        assert rows_of(run / "evaluation-1" / step) == rows_of(undisturbed / "evaluation-1" / step)
    assert not list(run.glob("evaluation-1/_replies/*"))


def test_the_command_asks_scores_and_says_where_the_page_is(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 3)
    asked = blindpairs("evaluate", str(run), "--model", "a=always_a", "--model", "all=oracle")
    assert asked.returncode == 0, asked.stderr
    assert str(run / "evaluation-1" / "leaderboard.html") in asked.stdout
    shown = blindpairs("scores", str(run), "--against", "a")
    assert shown.returncode == 0, shown.stderr
    assert "oracle" not in shown.stdout
    assert "all" in shown.stdout
    assert blindpairs("status", str(run / "evaluation-1")).stdout.count("committed") == 5
