"""In flight: how many requests may be under way at once; fewer when the server says that they are too many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Event


class Stopped(Exception):
    """Nothing more is to be sent."""


class InFlight:
    """A limit on requests, at first `most`: halved by a 429, and one more after as many successes as it allows.

    That is additive increase and multiplicative decrease, as TCP does (RFC 5681). Requests sent before the limit was
    halved do not halve it again: a burst that was too large is one event.
    """

    def __init__(self, most: int) -> None:
        self._most, self._allowed, self._open = most, most, 0
        self._halvings = self._successes = 0
        self._changed = Condition()

    @property
    def allowed(self) -> int:
        return self._allowed

    @contextmanager
    def slot(self, stopped: Event) -> Iterator[int]:
        """Hold one of the places; yields what `halve` takes. Raises Stopped if `stopped` is set before one is free.

        An error in the block stops everything before the place is free again.
        """
        halvings = self._enter(stopped)
        try:
            yield halvings
        except BaseException:
            stopped.set()
            raise
        finally:
            self._leave()

    def halve(self, halvings: int) -> None:
        """Allow half as many, at least one. `halvings`: as the slot yielded it, when the request was sent."""
        with self._changed:
            if halvings == self._halvings:
                self._allowed, self._halvings, self._successes = max(1, self._allowed // 2), halvings + 1, 0

    def succeed(self) -> None:
        """Count a request that was answered; after as many as are allowed, allow one more."""
        with self._changed:
            self._successes += 1
            if self._successes >= self._allowed < self._most:
                self._allowed, self._successes = self._allowed + 1, 0
                self._changed.notify_all()

    def stop(self, stopped: Event) -> None:
        """Set `stopped`, and wake who waits for a place."""
        with self._changed:
            stopped.set()
            self._changed.notify_all()

    def _enter(self, stopped: Event) -> int:
        with self._changed:
            self._changed.wait_for(lambda: stopped.is_set() or self._open < self._allowed)
            if stopped.is_set():
                raise Stopped
            self._open += 1
            return self._halvings

    def _leave(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()
