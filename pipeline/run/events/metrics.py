"""Metrics: a run's numbers for Prometheus, served by a Ray cluster beside Ray's own.

Ray serves them on each machine (it puts `ray_` before their names); those of a run come from the driver's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

from manifests.manifest import Manifest
from pipeline.executors.executor import Retry
from pipeline.executors.worker import Outcome
from pipeline.run.events.listener import Listener
from pipeline.run.recipe import Step
from pipeline.run.resolve import Resolution

TAGS = ("run", "step")
REASON = "reason"  # of a rejection, a tag
TASK_S = [number * scale for scale in (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0) for number in (1, 2, 5)]
COUNTERS = {
    "tasks_done": "tasks whose shard was made",
    "tasks_failed": "tasks that failed and are not tried again",
    "set_back": "attempts that failed and were repeated, or workers that did not start",
    "seen": "rows seen: images, or whatever the step counts",
    "ok": "of these, how many were passed on",
    "rejected": "of these, how many were rejected, by reason",
    # exact, where the histogram's sum is Ray's estimate from its buckets
    "task_time_seconds": "seconds of all finished tasks, added up",
}


class Registry(Protocol):
    """Where metrics are made: ray.util.metrics, or what stands in for it."""

    def Counter(self, name: str, description: str, tag_keys: tuple[str, ...]) -> Any: ...
    def Gauge(self, name: str, description: str, tag_keys: tuple[str, ...]) -> Any: ...
    def Histogram(self, name: str, description: str, boundaries: list[float], tag_keys: tuple[str, ...]) -> Any: ...


class Metrics(Listener):
    """Counts what it hears of one run. Ray is loaded when it hears first, and is joined by then."""

    def __init__(self, run: str, registry: Registry | None = None) -> None:
        self._run, self._registry = run, registry
        self._shards_left: dict[str, int] = {}

    def resolved(self, resolutions: Sequence[Resolution], where: str) -> None:
        made = self._registry or _of_ray()
        self._counters = {
            name: made.Counter(f"blindpairs_{name}", description=text, tag_keys=_tag_keys(name))
            for name, text in COUNTERS.items()
        }
        self._left = made.Gauge("blindpairs_shards_left", description="shards that are not made yet", tag_keys=TAGS)
        self._gpu_use = made.Gauge(
            "blindpairs_gpu_use_percent", description="how busy the last task's GPUs were", tag_keys=TAGS
        )
        self._seconds = made.Histogram(
            "blindpairs_task_seconds", description="seconds of a task", boundaries=TASK_S, tag_keys=TAGS
        )

    def started(self, resolution: Resolution, tasks: int, there: int) -> None:
        self._set_left(resolution.step, tasks - there)
        for name in COUNTERS.keys() - {"rejected"}:
            self._counters[name]._record(0, self._tags(resolution.step))  # `inc` refuses 0; an alert needs a series

    def advanced(self, step: Step, outcome: Outcome) -> None:
        self._seconds.observe(outcome.seconds, self._tags(step))
        self._count("task_time_seconds", step, outcome.seconds)
        if outcome.gpu_use is not None:
            self._gpu_use.set(outcome.gpu_use, self._tags(step))
        if outcome.receipt is None:
            self._count("tasks_failed", step)
            return
        counts = outcome.receipt.counts
        self._count("tasks_done", step)
        self._count("seen", step, counts.seen)
        self._count("ok", step, counts.ok)
        for reason, count in counts.rejected.items():
            self._counters["rejected"].inc(count, {**self._tags(step), REASON: reason})
        self._set_left(step, self._shards_left.get(step.name, 1) - 1)

    def set_back(self, step: Step, setback: Retry) -> None:
        self._count("set_back", step)

    def committed(self, step: Step, manifest: Manifest) -> None:
        self._set_left(step, 0)

    def _set_left(self, step: Step, shards: int) -> None:
        self._shards_left[step.name] = shards
        self._left.set(shards, self._tags(step))

    def _count(self, name: str, step: Step, count: float = 1) -> None:
        if count:  # Ray's refuse to count nothing
            self._counters[name].inc(count, self._tags(step))

    def _tags(self, step: Step) -> dict[str, str]:
        return {"run": self._run, "step": step.name}


def _tag_keys(name: str) -> tuple[str, ...]:
    return (*TAGS, REASON) if name == "rejected" else TAGS


def _of_ray() -> Registry:
    from ray.util import metrics  # never loaded by a run that is not on Ray

    return cast(Registry, metrics)
