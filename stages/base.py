"""Stage: a kind of work. `plan` says which tasks there are, `process` makes one task's shard.

A stage knows tables and settings; it does not know where it runs, how many workers there are, or
what happens when one dies. Heavy libraries are loaded in `setup`, on the worker, never at import.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

import pyarrow as pa

from manifests.counts import Counts, by_status
from manifests.errors import Refused
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part

Reads = Mapping[str, Manifest]  # step -> the committed manifest it reads


@dataclass(frozen=True)
class Task:
    """One shard to make: its name, and what the stage must know to make it. A few hundred bytes."""

    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, **self.facts}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Task:
        return Task(value["name"], {key: child for key, child in value.items() if key != "name"})


@dataclass(frozen=True)
class PriorState:
    """What was made of less: its tasks, the first `settled` of them a committed state's, and what was found then."""

    tasks: tuple[Task, ...]
    settled: int
    external_state: Mapping[str, Any] = field(default_factory=dict)


class OnGrowth(StrEnum):
    """What becomes of a stage's shards when that which they were made of grew."""

    REFUSED = "refused"
    EXTENDED = "extended"  # they stay, and those of new tasks come after them
    KEPT = "kept"  # they stay as they are: what was fitted on less is good for all


@dataclass(frozen=True)
class Machine:
    """What a worker has to work with. On a CPU none of it but `threads` and `compile` moves a bit of any row."""

    device: str = "cpu"  # "cpu", "cuda" or one of several, "cuda:1"
    gpus: int = 1  # of "cuda": how many it sees
    threads: int = 1  # threads that compute
    decoders: int = 2  # threads that decode ahead of the model
    batch: int | None = None  # images in one forward pass of a GPU; None: what pays is found out
    compile: bool = False  # networks are compiled for the device first
    vectors: int = 1 << 29  # bytes of them that a search may hold


class Stage(ABC):
    """The one thing the pipeline knows about work. Instances are pickled to workers: keep them small."""

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raised when the same settings would make other rows
    rebuildable: ClassVar[bool] = False  # cheap enough to be made again in place when its settings change
    unit: ClassVar[str] = "images"  # what `seen` counts
    gpus: ClassVar[float] = 0.0  # what a worker has of them where there are any; 0.5: two workers share one
    decodes: ClassVar[bool] = False  # beside a GPU it is of use to have many cores
    on_growth: ClassVar[OnGrowth] = OnGrowth.REFUSED

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """What the recipe says, by dotted name, as plain JSON: it enters the fingerprint."""

    @abstractmethod
    def schema(self) -> Schema:
        """The table this stage writes. Called on a worker, after `setup`."""

    @abstractmethod
    def table(self) -> tuple[str, int]:
        """Name and version of that table; known without `setup`."""

    def external_state(self) -> Mapping[str, Any]:
        """What is found outside and decides rows (files of a source, hashes of weights), as plain JSON.

        Raises Refused where it is not there or not fit for use: before any work.
        """
        return {}

    @abstractmethod
    def plan(self, reads: Reads) -> list[Task]:
        """Every task, the same list each time for the same inputs."""

    def covers(self, settings: Mapping[str, Any]) -> bool:
        """Whether what was made with these settings is a part of what the present ones make."""
        return settings == self.settings

    def extended(self, begun: PriorState, reads: Reads) -> list[Task]:
        """The tasks when the source or the inputs grew: those begun, whose shards stay, then new ones.

        One that is not settled may be left out; its shard is then removed. The same list each time. Raises
        Refused, naming the first settled thing that did not only grow.
        """
        raise Refused(f"{self.name} cannot go on from what it made of less")

    def expected(self, reads: Reads) -> int | None:
        """How many things all tasks together must see; checked at the commit. None: not known before."""
        return None

    def failed(self, task: Task, counts: Counts, reads: Reads) -> tuple[int, int]:
        """How many images of the task failed here, of how many: judged against `max_failed`."""
        return 0, 0

    def worker_bytes(self) -> int:
        """Memory one worker needs, in bytes, so that no more are started than fit."""
        return 512 << 20

    def check_device(self, device: str) -> None:  # noqa: B027 - most stages run anywhere
        """Raise Refused where a "cpu" or "cuda" of this machine will not do: before any work."""

    def computed(self) -> str:
        """How finely and on what it computes, where that moves the last digits of rows. Called after `setup`."""
        return ""

    def setup(self, machine: Machine) -> None:  # noqa: B027 - most stages need none
        """Load what is dear, once a worker."""

    @abstractmethod
    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        """Make one task's rows. The same task gives the same parts on any worker."""


class MapStage(Stage):
    """A stage whose shards answer one to one to those of the first manifest it reads."""

    source: ClassVar[str]  # the step it maps over
    columns: tuple[str, ...] | None = None  # those of its table that are read; None: all
    on_growth = OnGrowth.EXTENDED

    def plan(self, reads: Reads) -> list[Task]:
        return [Task(shard.name) for shard in reads[self.source].shards]

    def extended(self, begun: PriorState, reads: Reads) -> list[Task]:
        tasks = self.plan(reads)
        if tuple(tasks[: len(begun.tasks)]) != begun.tasks:
            raise Refused(f"the shards of {self.source} are not those it was begun with, and new ones after them")
        return tasks

    def expected(self, reads: Reads) -> int:
        return reads[self.source].rows

    def failed(self, task: Task, counts: Counts, reads: Reads) -> tuple[int, int]:
        earlier = reads[self.source].by_name[task.name].counts.lost
        return counts.lost - earlier, counts.seen - earlier

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        table = self.transform(reads[self.source].read(task.name, self.columns))
        yield Part(table, by_status(table))

    @abstractmethod
    def transform(self, rows: pa.Table) -> pa.Table:
        """One shard's rows in, as many rows with `status` and `error` out."""
