"""Pace: images per second of all workers together, from when the driver heard of each shard.

Three kinds of shards do not count: a worker's first, which warms it up; shards made before the last worker had
warmed up, since until then the others had more of the machine than they will have; and shards of less than a
quarter of the worker's largest, since much of their time is the fixed cost of a task. Each worker's rate is that
of complete shards, from the end of one to the end of the next, so that no shard is counted in part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

LARGE = 0.25  # share of a worker's largest shard


@dataclass(frozen=True)
class Beat:
    """A shard that was made: its worker, when the driver heard of it, its number of images, the seconds it took."""

    worker: str
    at: float  # seconds on the driver's clock
    images: int
    seconds: float  # on the worker's clock
    computed: str = ""  # in which precision and on which device


@dataclass(frozen=True)
class Pace:
    """The measured pace. `error` is the standard error of the rate, as a share of it; None where it is unknown."""

    rate: float  # images per second, all workers together
    workers: int
    computed: str
    images: int  # that counted
    shards: int
    seconds: float  # from when all workers had warmed up
    error: float | None
    warm_up_only: bool = False  # only warm-up was finished: the rate is a lower bound


@dataclass(frozen=True)
class Stretch:
    """One shard that counts."""

    images: int
    seconds: float


def warmed_up_at(beats: Sequence[Beat]) -> float:
    """Return when the last worker had made its first shard. Needs at least one beat."""
    return max(its[0].at for its in _by_worker(beats).values())


def pace_of(beats: Sequence[Beat]) -> Pace:
    """Return the pace as far as it is known. Needs at least one beat."""
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
    """Return worker -> its beats, in order."""
    found: dict[str, list[Beat]] = {}
    for beat in beats:
        found.setdefault(beat.worker, []).append(beat)
    return found


def _counted(beats: Sequence[Beat], since: float) -> list[Stretch]:
    """Return the worker's shards that count: large shards with at least half of their time after `since`."""
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
    """Compute the error from how much seconds per image vary between a worker's shards; larger shards weigh more."""
    shards, images, squares = 0, 0, 0.0
    for its in counted.values():
        rate = _rate(its)
        squares += sum(one.images * (one.seconds / one.images * rate - 1) ** 2 for one in its)
        images, shards = images + sum(one.images for one in its), shards + len(its)
    free = shards - len(counted)
    return math.sqrt(squares / images / free) if free else None
