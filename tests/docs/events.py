"""Events: every kind of event with its fields, as the event log writes them, and every metric."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from manifests.counts import Counts
from manifests.lineage import Difference, Lineage
from manifests.manifest import Manifest
from manifests.shard import Receipt
from manifests.storage import Folder
from pipeline.config.loading import read_config
from pipeline.executors.executor import Retry
from pipeline.executors.worker import Fault, Outcome
from pipeline.run.events.event_log import EventLogListener
from pipeline.run.events.events import read_events
from pipeline.run.events.listener import Ending
from pipeline.run.events.metrics import Metrics
from pipeline.run.recipe import steps
from pipeline.run.resolve import Resolution, State

from .markdown import code, table

KINDS = {
    "run started": "A driver knows what each step needs, and begins.",
    "step taken": "A step is reused as it is.",
    "step started": "A step begins.",
    "task done": "A task has made its shard.",
    "task failed": "A task has failed and is not tried again.",
    "set back": "An attempt failed and is repeated, or workers did not start.",
    "step committed": "A step is complete.",
    "run ended": "The driver ends. Without this event, it was killed or is still running.",
}
FIELDS = {
    "time": "when, in UTC, by the driver's clock",
    "run": "name of the run's folder",
    "event": "the kind of event",
    "host": "the driver's machine",
    "process": "the driver's process number",
    "version": "version of blindpairs and a hash of its code",
    "recipe": "the recipe as it was given on the command line",
    "where": "where the work runs; for a task: its machine and process",
    "steps": f"each step, and what it needs: {', '.join(state.value for state in State)}",
    "step": "name of the step",
    "shards": "number of shards of the step",
    "unseen": "why a source or weights could not be checked again",
    "fingerprint": "hash of the settings, inputs and code version that the step is made with",
    "tasks": "number of tasks of the step",
    "there": "number of tasks whose shards exist already",
    "unit": "what the step counts: images, comparisons and so on",
    "changed": "settings or inputs that changed since the step was made, with both values",
    "task": "name of the task, which is the name of its shard",
    "seconds": "seconds that it took",
    "gpu_use": "percentage of the time that its GPUs were busy",
    "rows": "rows of the shard",
    "bytes": "bytes of the shard",
    "seen": "number of items that were looked at",
    "ok": "how many of these continue to the next step",
    "rejected": "the others, counted by their status or reason",
    "aside": "counts of other things that were noticed; they are in no sum",
    "error": "the error, in a sentence",
    "fault": f"what caused the failure: {', '.join(fault.value for fault in Fault)}",
    "tries": "number of the attempt that failed",
    "attempts": "maximum number of attempts",
    "why": "the reason, in a sentence",
    "how": f"how it ended: {', '.join(ending.value for ending in Ending)}",
}


def kinds() -> str:
    """Return each kind of event with its fields."""
    found = _written()
    assert found.keys() == KINDS.keys(), f"events with a sentence and events written differ: {found.keys() ^ KINDS}"
    shared = ("time", "run", "event")
    rows = ((code(kind), KINDS[kind], ", ".join(code(f) for f in found[kind] if f not in shared)) for kind in found)
    return table(("`event`", "when", "fields beside `time`, `run` and `event`"), rows)


def fields() -> str:
    """Return each field of any event."""
    found = dict.fromkeys(name for names in _written().values() for name in names)
    assert found.keys() == FIELDS.keys(), f"fields with a sentence and fields written differ: {found.keys() ^ FIELDS}"
    return table(("field", "meaning"), ((code(name), FIELDS[name]) for name in found))


def metrics() -> str:
    """Return each metric as Prometheus finds it on a Ray cluster."""
    registry = _Registry()
    Metrics("run", registry).resolved([], "")
    return table(("metric", "kind", "meaning"), registry.rows)


class _Registry:
    """Keeps what metrics are made."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []

    def Counter(self, name: str, description: str, **_: Any) -> None:
        self.rows.append((code(f"ray_{name}_total"), "counter", description))

    def Gauge(self, name: str, description: str, **_: Any) -> None:
        self.rows.append((code(f"ray_{name}"), "gauge", description))

    def Histogram(self, name: str, description: str, **_: Any) -> None:
        self.rows.append((code(f"ray_{name}"), "histogram", description))


def _written() -> dict[str, list[str]]:
    """Return each kind of event, in order, and its fields: the event log is told all that can happen, and read."""
    with tempfile.TemporaryDirectory() as folder:
        _tell(EventLogListener(Folder(folder), "demo", print))
        return {event["event"]: list(event) for drive in read_events(Folder(folder)) for event in drive}


def _tell(log: EventLogListener) -> None:
    step = steps(read_config("demo", ["images.sources.0.uri=scenes"]))[0]
    lineage = Lineage(step.name, "stage 1", "table 1", {}, {}, {})
    folder, counts = Folder(str(Path("runs") / step.name)), Counts(2, 1, {"empty": 1}, {"note": 1})
    changed = (Difference("settings.shard_rows", 1, 2),)
    resolution = Resolution(step, folder, lineage, State.REBUILD, changed, unseen="no network")
    receipt = Receipt("a", 2, 100, counts)
    manifest = Manifest(folder, lineage, (receipt,))
    log.resolved([resolution], "here")
    log.taken(resolution, manifest)
    log.started(resolution, 1, 0)
    log.advanced(step, Outcome("a", receipt, where="node:1", gpu_use=50.0))
    log.advanced(step, Outcome("b", error="no luck", fault=Fault.TASK, where="node:1"))
    log.set_back(step, Retry("a", "its worker ended"))
    log.committed(step, manifest)
    log.ended(Ending.DONE, "")
