"""Worker pool: workers, whoever they are, that stay over the steps of a run.

A worker is a process of this machine or an actor of a Ray cluster; known here is only that it can be
given one message at a time and answers it, or is lost. It stays for the next step where that requests the
same of it: to start one costs as much as many small tasks. What they do in a step is scheduler.py's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pipeline.executors.serving import Answer, Hello, Prepare
from pipeline.executors.worker import Job
from stages.base import Machine, Task


class Resources(Protocol):
    """What a worker is to have."""

    @property
    def machine(self) -> Machine: ...

    def covers(self, other: Any) -> bool:
        """Whether a worker here will do for a step that asks for `other`."""
        ...


class Lost(Exception):
    """A worker will never answer. `machine_gone`: the whole machine went, so it was no task's doing."""

    def __init__(self, why: str, *, machine_gone: bool = False) -> None:
        super().__init__(why)
        self.why, self.machine_gone = why, machine_gone


class WorkerHandle(Protocol):
    """A worker, and the line to it. It says hello by itself, then one answer to each message."""

    def give(self, message: Prepare | Task) -> None: ...

    def heard(self) -> Answer:
        """The answer that is there. Raises Lost."""
        ...

    def end(self) -> None:
        """End the worker at once, whatever it does."""
        ...


SomeResources = TypeVar("SomeResources", bound=Resources, contravariant=True)
SomeHandle = TypeVar("SomeHandle", bound=WorkerHandle)


class Backend(Protocol[SomeResources, SomeHandle]):
    """Where workers run."""

    def machines(self, resources: SomeResources) -> set[str]:
        """Those that have what a worker here is to have."""
        ...

    @property
    def arrival_s(self) -> float:
        """Seconds within which a worker must say hello; on a cluster it may have to wait for a machine."""
        ...

    def start(self, resources: SomeResources, avoid: Collection[str]) -> SomeHandle:
        """Start a worker, on none of the machines `avoid` if there is another; it says hello when it is there."""
        ...

    def ready(self, handles: Sequence[SomeHandle], timeout_s: float) -> Sequence[SomeHandle]:
        """Those that have something to say, or are lost, within this time."""
        ...


@dataclass(eq=False)
class PoolMember:
    """A worker of the pool, and what it does."""

    resources: Resources
    handle: WorkerHandle
    hello: Hello | None = None  # None until it is there
    job: Job | None = None  # what it is set up for
    task: Task | None = None
    deadline: float = float("inf")

    @property
    def where(self) -> str:
        return self.hello.where if self.hello else ""

    @property
    def machine(self) -> str:
        return self.hello.machine if self.hello else ""


@dataclass
class WorkerPool:
    """Workers that stay over steps."""

    backend: Backend[Any, Any]
    members: list[PoolMember] = field(default_factory=list)
    unfit: set[str] = field(default_factory=set)  # machines whose disk or memory did not do, or that cannot set up
    clock: Callable[[], float] = time.monotonic  # seconds, by which workers are late

    def take(self, wanted: Sequence[Resources]) -> list[Resources]:
        """Keep the members that fit some of `wanted`, end the others; those of `wanted` that are left."""
        left = list(wanted)
        for member in list(self.members):
            found = next((resources for resources in left if member.resources.covers(resources)), None)
            if found is None:
                self.end(member)
            else:
                left.remove(found)
        return left

    def end(self, member: PoolMember) -> None:
        self.members.remove(member)
        member.handle.end()

    def dismiss(self) -> None:
        for member in list(self.members):
            self.end(member)
