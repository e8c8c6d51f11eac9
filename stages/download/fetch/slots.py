"""Slots: at most a given number of requests to one host at once, over all processes of one user on one machine.

A slot is a file that is locked while its request is in progress; a process that dies loses its locks. Files
are named by 16 bits of the host's hash, so that their number stays limited: two hosts that share the bits
only wait for one another.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import LifoQueue
from threading import Lock

from stages.download.fetch.own_folder import own_folder


class Slots:
    """The slots of every host, `per_host` each. A thread holds one slot at a time, which rules out deadlocks."""

    def __init__(self, per_host: int, folder: Path | None = None) -> None:
        self._per_host, self._folder = per_host, folder or own_folder("hosts")
        self._turns: dict[str, LifoQueue[int]] = defaultdict(self._numbers)  # among threads of this process
        self._lock = Lock()

    @contextmanager
    def one(self, site: str) -> Iterator[None]:
        """Wait for a slot of the host `site` and hold it."""
        with self._lock:
            turn = self._turns[site]
        number = turn.get()
        try:
            held = self._taken(hashlib.sha256(site.encode()).hexdigest()[:4], number)
            try:
                yield
            finally:
                os.close(held)
        finally:
            turn.put(number)

    def _numbers(self) -> LifoQueue[int]:
        numbers: LifoQueue[int] = LifoQueue()
        for number in range(self._per_host):
            numbers.put(number)
        return numbers

    def _taken(self, name: str, first: int) -> int:
        """Lock a free slot, or wait in the queue for a slot: the system's queue lets processes take turns.

        No other thread of this process tries the same slot first.
        """
        for number in range(first, first + self._per_host):
            held = self._opened(name, number % self._per_host)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(held)
            else:
                return held
        held = self._opened(name, random.randrange(self._per_host))
        fcntl.flock(held, fcntl.LOCK_EX)
        return held

    def _opened(self, name: str, number: int) -> int:
        return os.open(self._folder / f"{name}.{number}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
