"""Stages whose work is known, importable by the worker processes that tests start."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from world.processes import until

from manifests.errors import Refused
from manifests.schema import Schema
from manifests.tables import embeddings
from pipeline.config.settings import WorkerSettings
from pipeline.run.recipe import Step
from stages.base import Machine, MapStage


class Sleeping(MapStage):
    """The images table in, embeddings of no encoder out; `setup` and `work` may go wrong.

    Work that "rings" sends the driver its alarm and never ends.
    """

    name = "sleeping"
    source = "images"
    columns = ("image_id", "status", "error")

    def __init__(self, setup: str = "good", work: str = "good") -> None:
        self._setup, self._work = setup, work

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def schema(self) -> Schema:
        return embeddings({})

    def table(self) -> tuple[str, int]:
        return self.schema().name, self.schema().version

    def computed(self) -> str:
        return "its sleep"

    def setup(self, machine: Machine) -> None:
        if self._setup == "refuses":
            raise Refused("the weights are not those of this model; name others")

    def transform(self, rows: pa.Table) -> pa.Table:
        if self._work == "raises":
            raise ValueError("no luck")
        if self._work == "rings":
            os.kill(os.getppid(), signal.SIGALRM)
            threading.Event().wait()
        return rows


class Together(Sleeping):
    """Of `count` workers none makes a second shard before the driver has heard of the first of each."""

    def __init__(self, count: int, folder: Path) -> None:
        super().__init__()
        self._count, self._folder, self._times = count, folder, 0

    def transform(self, rows: pa.Table) -> pa.Table:
        self._times += 1
        if self._times == 2:
            (self._folder / str(os.getpid())).touch()
            until(lambda: len(list(self._folder.iterdir())) == self._count)
        return super().transform(rows)


def sleeping(*, setup: str = "good", work: str = "good", **workers: Any) -> Step:
    return Step("embeddings", Sleeping(setup, work), ("images",), WorkerSettings(**workers))


def together(count: int, folder: Path) -> Step:
    return Step("embeddings", Together(count, folder), ("images",), WorkerSettings(count=count))
