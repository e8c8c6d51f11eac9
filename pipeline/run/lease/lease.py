"""Lease: at most one process drives a run, on a disk or in a bucket, and a dead one is detected.

The driver makes `_driver.json`, which only one can (an exclusive create), and counts its renewals up
in it. Who comes second and is on the same machine sees whether that process lives. On another machine
it watches the count by its own clock, for clocks of two machines are never compared: a count that
stands still for LEASE_S is a dead driver's, and the run is taken over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.run.lease.driver import NAME, Driver, new_driver, parsed, written
from pipeline.run.lease.process import Process, this_process
from pipeline.run.lease.takeover import LEASE_S, acquired

RENEW_S = 5.0


@contextmanager
def driving(
    run: Folder,
    waits: Callable[[str], None] = lambda why: None,
    me: Process | None = None,
    lease_s: float = LEASE_S,
) -> Iterator[Lease]:
    """Be the run's only driver during the block. `waits` hears of any waiting, in words.

    Raises Refused where the run cannot be written, or naming the other's host, process and time.
    """
    with _no_empty_folder(run):
        run.check_writable()
        mine = acquired(run, new_driver(me or this_process()), lease_s, waits)
        lease = Lease(run, mine, lease_s)
        keeper = threading.Thread(target=lease.keep, name="lease", daemon=True)
        keeper.start()
        try:
            yield lease
        finally:
            lease.release(keeper)


@contextmanager
def _no_empty_folder(run: Folder) -> Iterator[None]:
    """Remove the folders that were created for this run if nothing was put into them, as when it is refused."""
    new = [path for path in (run.local, *run.local.parents) if not path.exists()] if run.local else []
    try:
        yield
    finally:
        with suppress(OSError):  # the first that is not empty ends it
            for path in new:
                path.rmdir()


@dataclass
class Lease:
    """The right to drive one run, for as long as it is renewed."""

    run: Folder
    mine: Driver
    lease_s: float = LEASE_S
    lost_to: Driver | str | None = None

    def __post_init__(self) -> None:
        self._renewed_at = time.monotonic()
        self._turn, self._ended = threading.Lock(), threading.Event()

    def check(self) -> None:
        """Raise Refused, naming the new driver, if this one has lost the run. Asks the store only when overdue."""
        if time.monotonic() - self._renewed_at > self.lease_s:  # this process was stopped, or the store is away
            self.confirm()
        self._refuse_if_lost()

    def confirm(self) -> None:
        """As `check`, and always asks the store; if it does not answer, a recently renewed lease is still valid."""
        try:
            self.renew()
        except Exception:
            if time.monotonic() - self._renewed_at > self.lease_s:
                raise
        self._refuse_if_lost()

    def renew(self) -> None:
        """Increase the count, unless another driver has the run by now."""
        with self._turn:
            if self.lost_to or self._ended.is_set():
                return
            asked_at = time.monotonic()
            text = written(self.run)
            there = parsed(text)
            if there and there.token == self.mine.token:
                self.mine = self.mine.renew()
                self.run.write(NAME, self.mine.to_bytes())
            elif text is not None or not self.run.create(NAME, self.mine.to_bytes()):  # or somebody removed the file
                self.lost_to = there or "another process"
                return
            self._renewed_at = asked_at

    def keep(self) -> None:
        """Renew until the end. A store that does not answer is asked again; only another driver ends it."""
        while not self._ended.wait(RENEW_S) and not self.lost_to:
            with suppress(Exception):  # stores raise errors of many libraries; check() knows how late it is
                self.renew()

    def release(self, keeper: threading.Thread) -> None:
        """End the lease: remove the file if it is still ours. If the store does not answer, the lease expires."""
        self._ended.set()
        keeper.join(timeout=RENEW_S)
        if keeper.is_alive() or self.lost_to:
            return
        with suppress(Exception):
            there = parsed(written(self.run))
            if there and there.token == self.mine.token:
                self.run.forget(NAME)

    def _refuse_if_lost(self) -> None:
        if self.lost_to:
            raise Refused(
                f"{self.run.url} was taken over by {self.lost_to}, for this process ({self.mine.process}) was stopped "
                "or could not be heard; what it made is kept, and the other goes on from there"
            )
