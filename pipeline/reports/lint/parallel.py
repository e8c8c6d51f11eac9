"""Parallel: check shards one after another, or, where there is much to read, with one process per core."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Any

from manifests.errors import Refused
from manifests.stores.faults import Unreachable
from pipeline.reports.lint.draw import Draw
from pipeline.reports.lint.places import Shard
from pipeline.reports.lint.progress import Passing
from pipeline.reports.lint.tally import Tally
from stages.images import OF_THE_MACHINE

PROCESSES_FROM = 4_000_000_000  # bytes to read, half a minute of one process; starting processes takes seconds
DECODING = 8  # times as expensive as reading alone
TICK_S = 0.5
FLUSH = 4 << 20  # bytes after which a process reports its progress

_passed: Any = None  # in a process of the pool: bytes that all processes have read


def look_at_all(shards: Sequence[Shard], draw: Draw, passing: Passing) -> Tally:
    """Check all shards and return their joined results, in their order whichever process checked them.

    Raises Unreachable where a store failed, Refused where a process died.
    """
    size = sum(shard.size for shard in shards)
    passing.expect(size)
    processes = min(len(shards), _cores())
    whole = Tally(draw)
    if processes > 1 and size * (DECODING if draw.every else 1) >= PROCESSES_FROM:
        parts = _by_processes(shards, draw, passing, processes)
    else:
        parts = (look_at(shard, draw.fresh(), passing.beat) for shard in shards)
    for part in parts:
        whole.join(part)
    return whole


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def look_at(shard: Shard, draw: Draw, beat: Callable[[int], None]) -> Tally:
    """Check one shard and return its results; a shard that cannot be read is a finding."""
    tally = Tally(draw, beat)
    tally.begin(shard.file)
    try:
        shard.look(tally)
    except Unreachable:
        raise
    except OSError as error:
        if error.errno in OF_THE_MACHINE:
            raise
        tally.find("unreadable", f"it cannot be read: {error.strerror or error}")
    return tally


def _by_processes(shards: Sequence[Shard], draw: Draw, passing: Passing, processes: int) -> Iterator[Tally]:
    context = get_context("spawn")  # a fork would copy the locks of any threads that a store's library runs
    passed = context.Value("q", 0)
    try:
        with _pool(ProcessPoolExecutor(processes, context, _begin, (passed,))) as pool:
            futures = deque(pool.submit(_look_apart, shard, draw.fresh()) for shard in shards)
            while futures:
                while wait([futures[0]], TICK_S).not_done:
                    passing.at(passed.value)
                yield futures.popleft().result()
    except BrokenProcessPool as error:
        sentence = "a process that looked at the shards died, perhaps for want of memory"
        raise Refused(f"{sentence}; try again, --decode none needs least") from error


@contextmanager
def _pool(pool: ProcessPoolExecutor) -> Iterator[ProcessPoolExecutor]:
    before = set(active_children())
    try:
        yield pool
    except BaseException:
        for process in set(active_children()) - before:
            process.terminate()  # otherwise shutdown would wait until each has read its tar
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(passed: Any) -> None:
    global _passed
    _passed = passed
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # all processes receive Ctrl-C: one of them reports it


def _look_apart(shard: Shard, draw: Draw) -> Tally:
    tally = look_at(shard, draw, beat := _Counted())
    beat.flush()
    tally.beat = _unheard
    return tally


class _Counted:
    """Adds bytes to the count shared by all processes, only occasionally, since it has a lock."""

    def __init__(self) -> None:
        self._bytes = 0

    def __call__(self, more: int) -> None:
        self._bytes += more
        if self._bytes >= FLUSH:
            self.flush()

    def flush(self) -> None:
        with _passed.get_lock():
            _passed.value += self._bytes
        self._bytes = 0


def _unheard(more: int) -> None:
    """Ignore the bytes: a tally sent between processes has nobody to report to."""
