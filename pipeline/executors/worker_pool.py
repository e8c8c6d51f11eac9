"""Worker pool: workers that are kept from one step of a run to the next.

A worker is a process of this machine or an actor of a Ray cluster. All that is known of it here is that it takes one
message at a time and answers it, or is lost. It is kept for the next step if that asks for the same resources: starting
a worker costs as much as many small tasks. scheduler.py gives them their tasks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pipeline.executors.serving import Answer, Hello, Prepare
from pipeline.executors.worker import InProgress, Job
from stages.base import Machine, Task


class Resources(Protocol):
    """The resources of one worker."""

    @property
    def machine(self) -> Machine: ...

    def covers(self, other: Any) -> bool:
        """Whether a worker with these resources will do for a step that asks for `other`."""
        ...


class Lost(Exception):
    """A worker will never answer. `machine_gone`: its whole machine went away, so no task is to blame."""

    def __init__(self, why: str, *, machine_gone: bool = False) -> None:
        super().__init__(why)
        self.why, self.machine_gone = why, machine_gone


class WorkerHandle(Protocol):
    """A worker and the connection to it. It says hello by itself, then answers each message once.

    Before the answer to a task it may say how far it is.
    """

    def give(self, message: Prepare | Task) -> None: ...

    def heard(self) -> Answer | InProgress:
        """Return what has arrived. Raises Lost."""
        ...

    def end(self) -> None:
        """End the worker at once, even in the middle of a task."""
        ...


SomeResources = TypeVar("SomeResources", bound=Resources, contravariant=True)
SomeHandle = TypeVar("SomeHandle", bound=WorkerHandle)


class Backend(Protocol[SomeResources, SomeHandle]):
    """Where workers run."""

    def machines(self, resources: SomeResources) -> set[str]:
        """The machines that have these resources."""
        ...

    @property
    def arrival_s(self) -> float:
        """Seconds within which a worker must say hello; on a cluster it may have to wait for a machine."""
        ...

    def start(self, resources: SomeResources, avoid: Collection[str]) -> SomeHandle:
        """Start a worker, on none of the machines `avoid` if there is another; it says hello when it is there."""
        ...

    def ready(self, handles: Sequence[SomeHandle], timeout_s: float) -> Sequence[SomeHandle]:
        """The handles with an answer, or lost, within this time."""
        ...


@dataclass(eq=False)
class PoolMember:
    """A worker of the pool and what it is doing."""

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
    """Workers that are kept between steps."""

    backend: Backend[Any, Any]
    members: list[PoolMember] = field(default_factory=list)
    unfit: set[str] = field(default_factory=set)  # machines whose disk or memory did not do, or that cannot set up
    clock: Callable[[], float] = time.monotonic  # seconds, by which workers are late

    def take(self, wanted: Sequence[Resources]) -> list[Resources]:
        """Keep the members that cover an entry of `wanted`, end the others; returns the entries not covered."""
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
