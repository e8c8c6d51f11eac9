"""Ask: a benchmark in, its questions out, one row for each question about an image. One task is a stretch of groups.

The benchmark's questions are read and checked before any work. Only then are its images read, each once, for their
length and hash, by which later steps know whether an image is still the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.evaluation_tables import ASKED
from manifests.schema import Schema
from manifests.shard import Part
from manifests.stores.places import absolute
from stages.base import Machine, Reads, Stage, Task
from stages.evaluate.benchmarks.base import Row
from stages.evaluate.benchmarks.kinds import benchmark_of
from stages.evaluate.benchmarks.measured import measured
from stages.evaluate.removal import GroupsChange
from stages.evaluate.settings import BenchmarkSettings, RunQuestions
from stages.evaluate.stretches import stretches

STRETCH = 50_000  # rows of a task at most, unless a group is longer


class AskedQuestions(Stage):
    """Turns a benchmark into the asked table."""

    name = "ask"
    unit = "questions"
    change = GroupsChange

    def __init__(self, chosen: BenchmarkSettings) -> None:
        self.chosen = chosen
        self._state: Mapping[str, Any] = {}
        self._read: list[Row] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_read": None}  # a worker reads them itself

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the recipe says. Where a run lies is left out: its questions are known by their fingerprint."""
        shown = self.chosen.model_dump(mode="json", exclude_none=True)
        if isinstance(self.chosen, RunQuestions):
            del shown["uri"]
            return {"benchmark": shown}
        return {"benchmark": shown | {name: absolute(shown[name]) for name in ("uri", "images") if name in shown}}

    def schema(self) -> Schema:
        return ASKED

    def table(self) -> tuple[str, int]:
        return ASKED.name, ASKED.version

    def external_state(self) -> Mapping[str, Any]:
        """Return what identifies the benchmark. Raises Refused if any of its questions is not as it should be."""
        benchmark = benchmark_of(self.chosen)
        self._read, self._state = list(benchmark.rows()), benchmark.state()
        return {"benchmark": self._state}

    def plan(self, reads: Reads) -> list[Task]:
        """Return stretches of the questions, none of which ends inside a group."""
        cut = enumerate(stretches([row["group"] for row in self._rows], STRETCH))
        return [Task(f"{number:05d}", {"rows": list(stretch)}) for number, stretch in cut]

    def expected(self, reads: Reads) -> int:
        return len(self._rows)

    def setup(self, machine: Machine) -> None:
        if self._state and benchmark_of(self.chosen).state() != self._state:
            raise Refused("on this machine, the benchmark is not the one that the evaluation began with")

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        start, stop = task.facts["rows"]
        rows = measured(self._rows[start:stop])
        yield Part(pa.Table.from_pylist(rows, schema=ASKED.columns), Counts(len(rows), len(rows)))

    @property
    def _rows(self) -> Sequence[Row]:
        if self._read is None:
            self._read = list(benchmark_of(self.chosen).rows())
        return self._read
