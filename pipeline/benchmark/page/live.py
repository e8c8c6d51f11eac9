"""Live: a run's queue as it is now. A run may grow, be filtered anew, or forget images while a page is open."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable

from manifests.manifest import COMMIT
from pipeline.benchmark.page.queue import Queue, read_queue
from pipeline.benchmark.photos import photos_of
from pipeline.run.run import Run
from stages.author.authored import Authored, Ids

STEPS = ("images", "pairs")
ASKED_S = 10.0  # a bucket is asked no more often than that whether anything was committed


class LiveQueue:
    """The queue of a run, read again when its images or pairs were committed anew. Used by many threads."""

    def __init__(self, run: Run, written: Callable[[], Iterable[Authored]]) -> None:
        """`written`: what people have written, of pairs that the run no longer has among it. Raises as read_queue."""
        self.run, self.written = run, written
        self._turn = threading.RLock()
        self._stamp, self._asked = self._now(), time.monotonic()
        self._queue = read_queue(run, written())
        self._shown = set(self._queue.places)

    def now(self) -> Queue:
        with self._turn:
            late = self.run.folder.local is not None or time.monotonic() - self._asked > ASKED_S
            if late and (stamp := self._now()) != self._stamp and stamp is not None:
                self._stamp = stamp
                self.read_again()
            return self._queue

    def read_again(self) -> None:
        """Read it whatever the stamp says."""
        with self._turn:
            self.run = self.run.reopened()
            self._queue = read_queue(self.run, self.written())
            self._shown |= set(self._queue.places)

    def was_shown(self, ids: Ids) -> bool:
        """Whether this pair is in the queue, or was while a page was open on it and its images are still the run's.

        Somebody may be typing still; of images that were forgotten nothing is taken any more.
        """
        if ids in self.now().places:
            return True
        return ids in self._shown and len(photos_of(self.run.reopened(), set(ids))) == len(ids)

    def _now(self) -> tuple[object, ...] | None:
        """Changes with the commits; None while one is away, being made anew."""
        self._asked = time.monotonic()
        try:
            return tuple(self._commit(step) for step in STEPS if step in self.run.folder.folders())
        except FileNotFoundError:
            return None

    def _commit(self, step: str) -> object:
        if (folder := self.run.folder.local) is None:
            return hashlib.sha256((self.run.folder / step).read(COMMIT)).hexdigest()
        told = (folder / step / COMMIT).stat()
        return told.st_mtime_ns, told.st_size
