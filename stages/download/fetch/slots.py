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
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Semaphore

from stages.download.fetch.own_folder import own_folder


class Slots:
    """The slots of every host, `per_host` each. A thread holds one slot at a time, which rules out deadlocks."""

    def __init__(self, per_host: int, folder: Path | None = None) -> None:
        self._per_host, self._folder = per_host, folder or own_folder("hosts")
        self._turns: dict[str, Semaphore] = defaultdict(lambda: Semaphore(per_host))  # among threads of this process
        self._ours: dict[str, set[int]] = defaultdict(set)  # slots that a thread of this process holds or waits for
        self._lock = Lock()

    @contextmanager
    def one(self, site: str) -> Iterator[None]:
        """Wait for a slot of the host `site` and hold it."""
        name = hashlib.sha256(site.encode()).hexdigest()[:4]
        with self._lock:
            turn = self._turns[name]
        with turn, self._taken(name):
            yield

    @contextmanager
    def _taken(self, name: str) -> Iterator[None]:
        """Lock a free slot, or wait in the queue for one: the system's queue lets processes take turns."""
        busy: list[int] = []
        while (number := self._reserved(name, busy)) is not None:
            with self._file(name, number) as file:
                if _locked(file):
                    yield
                    return
            busy.append(number)
        number = self._reserved(name, ())
        assert number is not None, "there are as many turns as slots"
        with self._file(name, number) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _reserved(self, name: str, but: Collection[int]) -> int | None:
        """Choose a slot that no other thread of this process holds or waits for, which may take long; None if none."""
        with self._lock:
            left = [number for number in range(self._per_host) if number not in self._ours[name] and number not in but]
            if not left:
                return None
            number = random.choice(left)
            self._ours[name].add(number)
            return number

    @contextmanager
    def _file(self, name: str, number: int) -> Iterator[int]:
        """Open a reserved slot's file; closed, it is no longer locked nor reserved."""
        try:
            file = os.open(self._folder / f"{name}.{number}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                yield file
            finally:
                os.close(file)
        finally:
            with self._lock:
                self._ours[name].discard(number)


def _locked(file: int) -> bool:
    """Lock the file if nobody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
