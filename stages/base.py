"""Stage: a kind of work. `plan` lists the tasks, `process` makes one task's shard.

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
from stages.removal import Change

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
    """The state before growth: its tasks, the first `settled` of them committed, and what was found then."""

    tasks: tuple[Task, ...]
    settled: int
    external_state: Mapping[str, Any] = field(default_factory=dict)


class OnGrowth(StrEnum):
    """What happens to a stage's shards when the data they were made from has grown."""

    REFUSED = "refused"
    EXTENDED = "extended"  # they are kept, and those of new tasks come after them
    KEPT = "kept"  # they are kept as they are: what was fitted on less data is good for all of it


@dataclass(frozen=True)
class Machine:
    """What a worker has to work with. On a CPU only `threads` and `compile` change any bit of any row."""

    device: str = "cpu"  # "cpu", "cuda" or one of several, "cuda:1"
    gpus: int = 1  # how many GPUs "cuda" sees
    threads: int = 1  # threads that compute
    decoders: int = 2  # threads that decode ahead of the model
    batch: int | None = None  # images in one forward pass of a GPU; None: a fast size is found by trying
    compile: bool = False  # networks are compiled for the device first
    vectors: int = 1 << 29  # bytes of vectors that a search may hold


class Stage(ABC):
    """The one thing the pipeline knows about work. Instances are pickled to workers: keep them small."""

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raised when the same settings would make different rows
    rebuildable: ClassVar[bool] = False  # cheap enough to be rebuilt in place when its settings change
    unit: ClassVar[str] = "images"  # what `seen` counts
    gpus: float = 0.0  # GPUs per worker, if there are any; 0.5: two workers share one
    gradual: ClassVar[bool] = False  # `process` yields its rows as they are seen, so that a task's rate is known
    decodes: ClassVar[bool] = False  # whether many cores beside a GPU are useful
    on_growth: ClassVar[OnGrowth] = OnGrowth.REFUSED
    change: ClassVar[type[Change]] = Change  # what becomes of its rows when images are removed; none if rebuildable

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """What the recipe says, by dotted name, as plain JSON; part of the fingerprint."""

    @abstractmethod
    def schema(self) -> Schema:
        """Return the schema of the table this stage writes. Called on a worker, after `setup`."""

    @abstractmethod
    def table(self) -> tuple[str, int]:
        """Return name and version of that table; known without `setup`."""

    def as_begun(self, table: str) -> Stage:
        """Return this stage as a run needs it whose manifest has this table and version, such as "images 2"."""
        return self

    def external_state(self) -> Mapping[str, Any]:
        """Return what is found outside and determines rows (files of a source, hashes of weights), as plain JSON.

        Raises Refused, before any work, if it is missing or not fit for use.
        """
        return {}

    @abstractmethod
    def plan(self, reads: Reads) -> list[Task]:
        """Return every task, the same list each time for the same inputs."""

    def covers(self, settings: Mapping[str, Any]) -> bool:
        """Return whether what was made with these settings is a part of what the current ones make."""
        return settings == self.settings

    def extended(self, begun: PriorState, reads: Reads) -> list[Task]:
        """Return the tasks when the source or the inputs grew: those begun, whose shards are kept, then new ones.

        A task that is not settled may be left out; its shard is then removed. The same list each time. Raises
        Refused, naming the first settled thing that changed in any other way than by growing.
        """
        raise Refused(f"{self.name} cannot go on from what it made of less")

    def expected(self, reads: Reads) -> int | None:
        """Return how many things all tasks together must see, checked at the commit; None if not known in advance."""
        return None

    def failed(self, task: Task, counts: Counts, reads: Reads) -> tuple[int, int]:
        """Return how many images of the task failed here, and out of how many, for comparison with `max_failed`."""
        return 0, 0

    def worker_bytes(self) -> int:
        """Return the memory one worker needs, in bytes, so that no more workers are started than fit."""
        return 512 << 20

    def check_device(self, device: str) -> None:  # noqa: B027 - most stages run anywhere
        """Raise Refused, before any work, if a "cpu" or "cuda" of this machine will not do."""

    def computed(self) -> str:
        """Return precision and device, where they change the last digits of rows. Called after `setup`."""
        return ""

    def setup(self, machine: Machine) -> None:  # noqa: B027 - most stages need none
        """Load what is expensive, once per worker."""

    @abstractmethod
    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        """Make one task's rows. The same task gives the same parts on any worker."""


class MapStage(Stage):
    """A stage whose shards correspond one to one to those of the first manifest it reads."""

    source: ClassVar[str]  # the step it maps over
    columns: tuple[str, ...] | None = None  # the columns of its table that are read; None: all
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
        """Turn one shard's rows into the same number of rows with `status` and `error`."""
