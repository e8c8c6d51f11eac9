"""Pace: images a second of all workers together, from when each of them was heard of.

A worker's first shard warms it up and does not count. Nor does what was made before the last worker had
warmed up, for until then the others had more of the machine than they will have; nor shards of less than a
quarter of the worker's largest, of which much is what a task costs by itself. Each worker's rate is that of
whole shards, from one end to the next, so that no shard is counted in part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

LARGE = 0.25  # of a worker's largest shard


@dataclass(frozen=True)
class Beat:
    """A shard that was made: by which worker, when it was heard of, of how many images, in how many seconds."""

    worker: str
    at: float  # seconds on the driver's clock
    images: int
    seconds: float  # on the worker's
    computed: str = ""  # how finely and on what


@dataclass(frozen=True)
class Pace:
    """What was measured. `error` is the standard error of the rate, as a share of it; None where it cannot be told."""

    rate: float  # images a second, all workers together
    workers: int
    computed: str
    images: int  # that counted
    shards: int
    seconds: float  # from when all workers had warmed up
    error: float | None
    warm_up_only: bool = False  # nothing but warm-up was finished: the rate is a lower bound


@dataclass(frozen=True)
class Stretch:
    """One shard that counts."""

    images: int
    seconds: float


def warmed_up_at(beats: Sequence[Beat]) -> float:
    """When the last worker had made its first shard. At least one beat is needed."""
    return max(its[0].at for its in _by_worker(beats).values())


def pace_of(beats: Sequence[Beat]) -> Pace:
    """The pace as far as it is known by now. At least one beat is needed."""
    workers, since = _by_worker(beats), warmed_up_at(beats)
    counted = {worker: found for worker, its in workers.items() if (found := _counted(its, since))}
    computed = ", ".join(sorted({beat.computed for beat in beats if beat.computed}))
    if not counted:
        first = [its[0] for its in workers.values()]
        rate, images = sum(beat.images / beat.seconds for beat in first), sum(beat.images for beat in first)
        return Pace(rate, len(workers), computed, images, len(first), max(beat.seconds for beat in first), None, True)
    every = [stretch for its in counted.values() for stretch in its]
    rate = sum(_rate(its) for its in counted.values()) / len(counted) * len(workers)
    images, seconds = sum(one.images for one in every), beats[-1].at - since
    return Pace(rate, len(workers), computed, images, len(every), seconds, _error(counted))


def _by_worker(beats: Sequence[Beat]) -> Mapping[str, list[Beat]]:
    """Worker -> its beats, in order."""
    found: dict[str, list[Beat]] = {}
    for beat in beats:
        found.setdefault(beat.worker, []).append(beat)
    return found


def _counted(beats: Sequence[Beat], since: float) -> list[Stretch]:
    """The worker's shards that count: large ones, at least half of whose time lies after `since`."""
    found = [
        Stretch(after.images, after.at - before.at)
        for before, after in pairwise(beats)
        if (before.at + after.at) / 2 >= since and after.at > before.at
    ]
    largest = max((one.images for one in found), default=0)
    return [one for one in found if one.images >= LARGE * largest]


def _rate(stretches: Sequence[Stretch]) -> float:
    return sum(one.images for one in stretches) / sum(one.seconds for one in stretches)


def _error(counted: Mapping[str, Sequence[Stretch]]) -> float | None:
    """From how much the seconds an image differ from shard to shard of a worker, larger shards weighing more."""
    shards, images, squares = 0, 0, 0.0
    for its in counted.values():
        rate = _rate(its)
        squares += sum(one.images * (one.seconds / one.images * rate - 1) ** 2 for one in its)
        images, shards = images + sum(one.images for one in its), shards + len(its)
    free = shards - len(counted)
    return math.sqrt(squares / images / free) if free else None
