"""Audience: who hears of a run: a person on stderr, its event log, and a cluster's metrics where it runs on one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from manifests.storage import Folder
from pipeline.watch.chronicle import Chronicle
from pipeline.watch.listener import Audience, Listener
from pipeline.watch.metrics import Metrics
from pipeline.watch.progress import Progress
from pipeline.work.executor import Executor
from pipeline.work.local_executor import LocalExecutor


@contextmanager
def audience(run: Folder, recipe: str, executor: Executor) -> Iterator[Listener]:
    """All who hear of this run; `recipe` is what the person called it."""
    on_ray = () if isinstance(executor, LocalExecutor) else (Metrics(run.name),)
    with Progress() as progress:
        yield Audience(progress, Chronicle(run, recipe, progress.say), *on_ray)
