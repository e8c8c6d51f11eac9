"""Watchdog: a connection that is not done in time is shut down, whatever it is doing.

A socket's own timeout starts again with each byte, so a server that drips one a second would never meet it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock, Thread

LOOK_S = 0.05


@dataclass(eq=False)
class Watch:
    """A connection in use until `deadline`, by the watchdog's clock."""

    connection: socket.socket
    deadline: float
    expired: bool = False


class Watchdog:
    """One thread that looks at every connection in use, LOOK_S apart."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._watched = clock, set[Watch]()
        self._lock = Lock()
        Thread(target=self._look, name="watchdog", daemon=True).start()

    @contextmanager
    def over(self, watch: Watch) -> Iterator[None]:
        """Shut its connection down if the block is not left by its deadline; `expired` says whether that happened."""
        with self._lock:
            self._watched.add(watch)
        try:
            yield
        finally:
            with self._lock:
                self._watched.discard(watch)

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_S)
            with self._lock:
                for watch in [one for one in self._watched if self._clock() > one.deadline and not one.expired]:
                    watch.expired = True
                    with suppress(OSError):  # closed meanwhile
                        # not SSLSocket's own, which pulls the TLS state from under the thread that reads
                        socket.socket.shutdown(watch.connection, socket.SHUT_RDWR)
