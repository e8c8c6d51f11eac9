"""Metrics: what a run does, as a cluster's Prometheus sees it."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from world import heard
from world.processes import PATIENCE_S

from pipeline.executors.executor import Retry
from pipeline.run.events.metrics import Metrics

ROOT = Path(__file__).parents[4]
TAGS = (("run", "mine"), ("step", "images"))


class Fake:
    """A registry that keeps what it is told. As Ray's does, it refuses to count nothing."""

    def __init__(self) -> None:
        self.found: dict[str, dict[tuple[tuple[str, str], ...], Any]] = defaultdict(dict)

    def Counter(self, name: str, **_: Any) -> Any:
        return _One(self.found[name])

    Gauge = Histogram = Counter


class _One:
    def __init__(self, values: dict[tuple[tuple[str, str], ...], Any]) -> None:
        self._values = values

    def _record(self, value: float, tags: dict[str, str]) -> None:
        """As `inc` without its check, which is how Ray's makes a series that is 0."""
        self._values.setdefault(tuple(sorted(tags.items())), value)

    def inc(self, value: float, tags: dict[str, str]) -> None:
        assert value > 0
        key = tuple(sorted(tags.items()))
        self._values[key] = self._values.get(key, 0) + value

    def set(self, value: float, tags: dict[str, str]) -> None:
        self._values[tuple(sorted(tags.items()))] = value

    def observe(self, value: float, tags: dict[str, str]) -> None:
        self._values.setdefault(tuple(sorted(tags.items())), []).append(value)


def tell(metrics: Metrics) -> None:
    metrics.resolved([heard.resolution()], "")
    metrics.started(heard.resolution(), 5, 1)
    metrics.advanced(heard.step(), heard.done("a", of=heard.counts(10, empty=3), gpu_use=64.0))
    metrics.advanced(heard.step(), heard.done("b"))
    metrics.advanced(heard.step(), heard.failed())
    metrics.set_back(heard.step(), Retry("c", "its worker ended"))


def test_everything_is_counted_by_run_and_step() -> None:
    registry = Fake()
    tell(Metrics("mine", registry))
    assert registry.found.pop("blindpairs_rejected") == {(("reason", "empty"), *TAGS): 3}
    assert {name: values[TAGS] for name, values in registry.found.items()} == {
        "blindpairs_tasks_done": 2,
        "blindpairs_tasks_failed": 1,
        "blindpairs_set_back": 1,
        "blindpairs_seen": 20,
        "blindpairs_ok": 17,
        "blindpairs_task_time_seconds": 5.0,
        "blindpairs_shards_left": 2,
        "blindpairs_gpu_use_percent": 64.0,
        "blindpairs_task_seconds": [2.0, 2.0, 1.0],
    }


def test_failures_are_0_before_there_is_one() -> None:
    registry = Fake()
    metrics = Metrics("mine", registry)
    metrics.resolved([heard.resolution()], "")
    metrics.started(heard.resolution(), 5, 1)
    assert registry.found["blindpairs_tasks_failed"] == registry.found["blindpairs_set_back"] == {TAGS: 0}


SCRAPE = """
import os, sys, time, urllib.request
os.environ["RAY_AUTH_MODE"] = "disabled"
import ray
ray.init(address="local", include_dashboard=False, num_cpus=1, object_store_memory=80_000_000,
         _system_config={"metrics_report_interval_ms": 500})
from pipeline.run.events.metrics import Metrics
from test_metrics import tell
tell(Metrics("mine"))
port = ray.nodes()[0]["MetricsExportPort"]
end, text = time.monotonic() + float(sys.argv[1]), ""
while "blindpairs_seen" not in text and time.monotonic() < end:
    time.sleep(0.5)
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=float(sys.argv[1])).read().decode()
    except OSError:
        continue
print(*[line for line in text.splitlines() if "blindpairs" in line and not line.startswith("#")], sep="\\n")
"""


def test_ray_shows_them_to_prometheus() -> None:
    world = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{Path(__file__).parent}", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    words = [sys.executable, "-c", SCRAPE, str(PATIENCE_S)]
    ended = subprocess.run(words, env=world, capture_output=True, text=True)
    shown = {line.split("{")[0]: line for line in ended.stdout.splitlines() if "{" in line}
    assert "ray_blindpairs_shards_left" in shown, ended.stderr
    assert shown["ray_blindpairs_shards_left"].endswith(" 2.0")
    seen = next(line for name, line in shown.items() if name.startswith("ray_blindpairs_seen"))
    assert 'run="mine"' in seen.lower()
    assert 'step="images"' in seen.lower()
    assert seen.endswith(" 20.0")
    assert shown["ray_blindpairs_task_time_seconds_total"].endswith(" 5.0")
    assert 'reason="empty"' in shown["ray_blindpairs_rejected_total"].lower()
