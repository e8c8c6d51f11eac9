"""Live: a run's current queue. A run may grow, be filtered again, or forget images while a page is open."""

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
ASKED_S = 10.0  # seconds between two checks of a bucket for new commits, at least


class LiveQueue:
    """The queue of a run, read again after its images or pairs were committed again. Used by many threads."""

    def __init__(self, run: Run, written: Callable[[], Iterable[Authored]]) -> None:
        """`written` returns what people wrote, also about pairs no longer in the run. Raises as read_queue does."""
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
        """Read the queue again, whatever the stamp says."""
        with self._turn:
            self.run = self.run.reopened()
            self._queue = read_queue(self.run, self.written())
            self._shown |= set(self._queue.places)

    def was_shown(self, ids: Ids) -> bool:
        """Whether this pair is in the queue, or was while a page was open and its images are still in the run.

        Somebody may still be typing; nothing more is accepted about images that were forgotten.
        """
        if ids in self.now().places:
            return True
        return ids in self._shown and len(photos_of(self.run.reopened(), set(ids))) == len(ids)

    def _now(self) -> tuple[object, ...] | None:
        """Return a stamp that changes with each commit; None while one is missing because it is being rebuilt."""
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
