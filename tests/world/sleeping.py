"""A stage that takes a known time an image, importable by the worker processes that tests start."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from manifests.errors import Refused
from manifests.schema import Schema
from manifests.tables import embeddings
from pipeline.config import WorkerSettings
from pipeline.recipe import Step
from stages.base import Machine, MapStage


class Sleeping(MapStage):
    """The images table in, embeddings of no encoder out; `setup` and `work` may go wrong."""

    name = "sleeping"
    source = "images"
    columns = ("image_id", "status", "error")

    def __init__(self, seconds: float, setup: str = "good", work: str = "good") -> None:
        self._seconds, self._setup, self._work = seconds, setup, work

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
        time.sleep(self._seconds * rows.num_rows)
        return rows


def sleeping(seconds: float, *, setup: str = "good", work: str = "good", **workers: Any) -> Step:
    return Step("embeddings", Sleeping(seconds, setup, work), ("images",), WorkerSettings(**workers))
