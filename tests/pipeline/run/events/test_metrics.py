"""Metrics: what a run does, as a cluster's Prometheus sees it."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from world import heard
from world.inline import Inline
from world.processes import PATIENCE_S

from manifests.storage import Folder
from pipeline.config.loading import read_config
from pipeline.executors.executor import Retry
from pipeline.run.events.event_log import EventLogListener
from pipeline.run.events.events import read_events
from pipeline.run.events.listener import Broadcast
from pipeline.run.events.metrics import Metrics
from pipeline.run.layout import ORDER
from pipeline.run.recipe import steps
from pipeline.run.runner import run

Sums = dict[tuple[str, str], float]

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


SUMS = {"task_time_seconds": "seconds", "seen": "seen", "ok": "ok"}  # a metric, and what of an event it adds up


def real_run(scenes: str, root: str) -> Folder:
    """Run the demo's recipe in this process, with an event log and with Ray's metrics; its folder."""
    folder = Folder(f"{root}/real")
    config = read_config("demo", [f"images.sources.0.uri={scenes}/*.tar"])
    log = EventLogListener(folder, "demo", lambda trouble: None)
    run(steps(config), folder, Inline(), Broadcast(log, Metrics(folder.name)))
    return folder


def sums_logged(folder: Folder) -> Sums:
    """(metric, step) -> its sum over the events of all tasks; under `tasks_done` their number."""
    found: Sums = defaultdict(float)
    for events in read_events(folder):
        for event in [one for one in events if one["event"] == "task done"]:
            found["tasks_done", event["step"]] += 1
            for metric, fact in SUMS.items():
                found[metric, event["step"]] += event[fact]
    return dict(found)


def sums_shown(text: str, name: str = "real") -> Sums:
    """The same of what a cluster shows to Prometheus of the run of this name."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    ours = {f"ray_blindpairs_{metric}_total": metric for metric in ("tasks_done", *SUMS)}
    return {
        (ours[sample.name], sample.labels["step"]): sample.value
        for sample in samples
        if sample.name in ours and sample.labels.get("run") == name
    }


def alike(shown: Sums, logged: Sums) -> bool:
    """Whether all sums agree within 1 %, and what the log rounds off: it has milliseconds."""
    return shown.keys() == logged.keys() and all(
        abs(shown[one] - logged[one]) <= 0.01 * logged[one] + 0.0005 * logged["tasks_done", one[1]] for one in logged
    )


SCRAPE = """
import os, sys, time, urllib.request
os.environ["RAY_AUTH_MODE"] = "disabled"
import ray
ray.init(address="local", include_dashboard=False, num_cpus=1, object_store_memory=80_000_000,
         _system_config={"metrics_report_interval_ms": 500})
from pipeline.run.events.metrics import Metrics
from test_metrics import alike, real_run, sums_logged, sums_shown, tell
tell(Metrics("mine"))
logged = sums_logged(real_run(*sys.argv[2:]))
port = ray.nodes()[0]["MetricsExportPort"]
end, text = time.monotonic() + float(sys.argv[1]), ""
while not ('run="mine"' in text.lower() and alike(sums_shown(text), logged)) and time.monotonic() < end:
    time.sleep(0.5)
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=float(sys.argv[1])).read().decode()
    except OSError:
        continue
print(*[line for line in text.splitlines() if "blindpairs" in line and not line.startswith("#")], sep="\\n")
"""


@pytest.fixture(scope="module")
def scraped(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Folder]:
    """What Ray shows to Prometheus of a made-up run and of a real one, and the folder of the real one."""
    root = tmp_path_factory.mktemp("metrics")
    world = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{Path(__file__).parent}", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    words = [sys.executable, "-c", SCRAPE, str(PATIENCE_S), str(scenes), str(root)]
    ended = subprocess.run(words, env=world, capture_output=True, text=True)
    assert "ray_blindpairs_shards_left" in ended.stdout, ended.stderr
    return ended.stdout, Folder(f"{root}/real")


def test_the_sums_of_a_real_run_are_those_of_its_event_log(scraped: tuple[str, Folder]) -> None:
    shown, logged = sums_shown(scraped[0]), sums_logged(scraped[1])
    assert {step for _, step in logged} == set(ORDER)
    assert alike(shown, logged), (shown, logged)


def test_ray_shows_them_to_prometheus(scraped: tuple[str, Folder]) -> None:
    ours = [line for line in scraped[0].splitlines() if 'run="mine"' in line.lower()]
    shown = {line.split("{")[0]: line for line in ours}
    assert shown["ray_blindpairs_shards_left"].endswith(" 2.0")
    seen = next(line for name, line in shown.items() if name.startswith("ray_blindpairs_seen"))
    assert 'step="images"' in seen.lower()
    assert seen.endswith(" 20.0")
    assert shown["ray_blindpairs_task_time_seconds_total"].endswith(" 5.0")
    assert 'reason="empty"' in shown["ray_blindpairs_rejected_total"].lower()
