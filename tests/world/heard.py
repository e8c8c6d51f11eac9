"""What a run would tell its listeners, made by hand: steps, resolutions, outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from world.odd_stages import Odd

from manifests.counts import Counts
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from manifests.shard import Receipt
from manifests.storage import Folder
from pipeline.config.settings import WorkerSettings
from pipeline.executors.worker import Fault, Outcome
from pipeline.run.recipe import Step
from pipeline.run.resolve import Resolution, State

RUN = Path("runs/test")


def step(name: str = "images") -> Step:
    return Step(name, Odd(RUN), (), WorkerSettings())


def resolution(name: str = "images", state: State = State.BUILD) -> Resolution:
    return Resolution(step(name), Folder(str(RUN / name)), lineage(name), state)


def lineage(name: str = "images") -> Lineage:
    return Lineage(name, "odd 1", "numbers 1", {}, {}, {})


def counts(seen: int = 10, **rejected: int) -> Counts:
    return Counts(seen, seen - sum(rejected.values()), rejected)


def manifest(name: str = "images", of: Counts | None = None) -> Manifest:
    return Manifest(Folder(str(RUN / name)), lineage(name), (Receipt("a", 1, 2, of or counts()),))


def done(task: str = "a", *, seconds: float = 2.0, of: Counts | None = None, **more: Any) -> Outcome:
    return Outcome(task, Receipt(task, 5, 100, of or counts()), seconds=seconds, **{"where": "node:1", **more})


def failed(task: str = "b", error: str = "ValueError: no luck") -> Outcome:
    return Outcome(task, error=error, fault=Fault.TASK, where="node:2", seconds=1.0)
