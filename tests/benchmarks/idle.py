"""Idle: a stage whose tasks write a shard of two rows and do nothing else, for measuring what is beside the work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from manifests.counts import Counts
from manifests.schema import Schema, column
from manifests.shard import Part
from stages.base import Reads, Stage, Task

NUMBERS = Schema("numbers", 1, ("number",), pa.schema([column("number", pa.int64(), "a number", nullable=False)]))


class Idle(Stage):
    """So many tasks."""

    name = "idle"

    def __init__(self, tasks: int) -> None:
        self.tasks = tasks

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def schema(self) -> Schema:
        return NUMBERS

    def table(self) -> tuple[str, int]:
        return NUMBERS.name, NUMBERS.version

    def plan(self, reads: Reads) -> list[Task]:
        return [Task(f"{number:05d}") for number in range(self.tasks)]

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        yield Part(pa.table({"number": [1, 2]}), Counts(2, 2))
