"""Broadcast: who hears of a run: a person on stderr, its event log, and a cluster's metrics where it runs on one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from manifests.storage import Folder
from pipeline.executors.executor import Executor
from pipeline.run.events.event_log import EventLogListener
from pipeline.run.events.listener import Broadcast, Listener
from pipeline.run.events.metrics import Metrics
from pipeline.run.events.progress import Progress


@contextmanager
def broadcast(run: Folder, recipe: str, executor: Executor, *, quiet: bool = False) -> Iterator[Listener]:
    """All who hear of this run; `recipe` is what the person called it; `quiet`: nothing is shown on stderr."""
    metrics = (Metrics(run.name),) if executor.on_cluster else ()
    with Progress(Console(stderr=True, highlight=False, quiet=quiet)) as progress:
        yield Broadcast(progress, EventLogListener(run, recipe, progress.say), *metrics)
