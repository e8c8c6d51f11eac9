"""Parallel: check shards one after another, or, where there is much to read, with one process per core."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import repeat
from multiprocessing import active_children, get_context

from manifests.errors import Refused
from manifests.stores.faults import Unreachable
from pipeline.executors import machine
from pipeline.reports.lint.draw import Draw
from pipeline.reports.lint.places import Shard
from pipeline.reports.lint.progress import Passed
from pipeline.reports.lint.tally import Tally
from stages.images import OF_THE_MACHINE

PROCESSES_FROM = 4_000_000_000  # bytes to read, half a minute of one process; starting processes takes seconds
DECODING = 8  # times as expensive as reading alone


def look_at_all(shards: Sequence[Shard], draw: Draw, passed: Passed) -> Tally:
    """Check all shards and return their joined results, in their order whichever process checked them.

    Raises Unreachable where a store failed, Refused where a process died.
    """
    size, processes = sum(shard.size for shard in shards), min(len(shards), machine.cores())
    passed.what, passed.total = "reading", size
    whole = Tally(draw)
    if processes == 1 or size * (DECODING if draw.every else 1) < PROCESSES_FROM:
        for shard in shards:
            whole.join(look_at(shard, draw.fresh(), passed.beat))
        return whole
    with _pool(processes) as pool:
        for shard, tally in zip(shards, pool.map(look_at, shards, repeat(draw.fresh()))):
            whole.join(tally)
            passed.beat(shard.size)
    return whole


def look_at(shard: Shard, draw: Draw, beat: Callable[[int], object] = int) -> Tally:
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


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool whose processes end at once where the block raises. Raises Refused where one of them died."""
    before = set(active_children())
    # a fork would copy the locks of any threads that a store's library runs; Ctrl-C is for this process to answer
    with ProcessPoolExecutor(processes, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        try:
            yield pool
        except BrokenProcessPool as error:
            sentence = "a process that looked at the shards died, perhaps for want of memory"
            raise Refused(f"{sentence}; try again, --decode none needs least") from error
        except BaseException:
            for process in set(active_children()) - before:
                process.terminate()  # otherwise the pool would wait until each has read its tar
            raise
