"""Crew: workers, whoever they are, that stay over the steps of a run.

A worker is a process of this machine or an actor of a Ray cluster; known here is only that it can be
given one message at a time and answers it, or is lost. It stays for the next step where that wants the
same of it: to start one costs as much as many small tasks. What they do in a step is shift.py's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pipeline.work.serving import Answer, Hello, Prepare
from pipeline.work.worker import Job
from stages.base import Machine, Task


class Place(Protocol):
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


class Seat(Protocol):
    """A worker, and the line to it. It says hello by itself, then one answer to each message."""

    def give(self, message: Prepare | Task) -> None: ...

    def heard(self) -> Answer:
        """The answer that is there. Raises Lost."""
        ...

    def end(self) -> None:
        """End the worker at once, whatever it does."""
        ...


SomePlace = TypeVar("SomePlace", bound=Place, contravariant=True)
SomeSeat = TypeVar("SomeSeat", bound=Seat)


class Room(Protocol[SomePlace, SomeSeat]):
    """Where seats are."""

    def machines(self, place: SomePlace) -> set[str]:
        """Those that have what a worker here is to have."""
        ...

    @property
    def arrival_s(self) -> float:
        """Seconds within which a worker must say hello; on a cluster it may have to wait for a machine."""
        ...

    def seat(self, place: SomePlace, avoid: Collection[str]) -> SomeSeat:
        """Start a worker, on none of the machines `avoid` if there is another; it says hello when it is there."""
        ...

    def ready(self, seats: Sequence[SomeSeat], timeout_s: float) -> Sequence[SomeSeat]:
        """Those that have something to say, or are lost, within this time."""
        ...


@dataclass(eq=False)
class Member:
    """A worker of the crew, and what it does."""

    place: Place
    seat: Seat
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
class Crew:
    """Workers that stay over steps."""

    room: Room[Any, Any]
    members: list[Member] = field(default_factory=list)
    unfit: set[str] = field(default_factory=set)  # machines whose disk or memory did not do, or that cannot set up
    clock: Callable[[], float] = time.monotonic  # seconds, by which workers are late

    def take(self, places: Sequence[Place]) -> list[Place]:
        """Keep the members that fit some of `places`, end the others; the places that are left."""
        left = list(places)
        for member in list(self.members):
            found = next((place for place in left if member.place.covers(place)), None)
            if found is None:
                self.end(member)
            else:
                left.remove(found)
        return left

    def end(self, member: Member) -> None:
        self.members.remove(member)
        member.seat.end()

    def dismiss(self) -> None:
        for member in list(self.members):
            self.end(member)
