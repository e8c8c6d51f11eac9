"""Connections: how long a request may take to arrive, an answer may stay unread, and how many connections there may be.

uvicorn waits forever for the rest of a request, and for a client that does not read: a few hundred half-sent requests
would keep everybody else out. Here a late connection is cut, and if there are too many, the one that has waited longest
for its request is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True)
class Limits:
    """How patient the server is."""

    request_s: float = 20.0  # from a connection, or the first byte of its next request, to the request's last byte
    unread_s: float = 60.0  # for an answer that its client does not read
    idle_s: int = 5  # between an answer and the next request
    connections: int = 200  # a third of the files a process may open: as many again may arrive at once
    header_bytes: int = 16384


class Timer(Protocol):
    """A scheduled call that can be canceled."""

    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]


class PatientProtocol(H11Protocol):
    """One connection. `later` schedules a call after the given number of seconds; by default the event loop does."""

    def __init__(self, *, limits: Limits, later: Later | None = None, **more: Any) -> None:
        super().__init__(**more)
        self._limits, self._later = limits, later or self.loop.call_later
        self._request: Timer | None = None
        self._unread: Timer | None = None
        self._since = self.loop.time()

    @property
    def is_waiting(self) -> bool:
        """Whether a request, or the rest of one, has still to arrive."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_request()
        if len(self.connections) > self._limits.connections:
            waiting = (one for one in self.connections if isinstance(one, PatientProtocol) and one.is_waiting)
            min(waiting, key=lambda one: one._since, default=self).cut()

    def data_received(self, data: bytes) -> None:
        if self._request is None:
            self._await_request()
        if not self.flow.write_paused:
            self._unread = _taken_back(self._unread)
        super().data_received(data)
        self._settle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        begun = self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]
        if begun and self._request is None:  # part of the next request came with the previous one
            self._await_request()
        self._settle()
        self._await_reader()  # uvicorn closes an idle connection, which then ends only when all is read

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread = _taken_back(self._unread)
        if self.cycle.response_complete:  # the little that is left may stay unread forever
            self._await_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._request, self._unread = _taken_back(self._request), _taken_back(self._unread)
        super().connection_lost(exc)

    def cut(self) -> None:
        """End the connection at once, even if something was not sent or not read."""
        self.transport.abort()

    def _await_request(self) -> None:
        self._since = self.loop.time()
        self._request = self._later(self._limits.request_s, self.cut)

    def _await_reader(self) -> None:
        if self._unread is None:
            self._unread = self._later(self._limits.unread_s, self.cut)

    def _settle(self) -> None:
        """Stop timing a complete request, whose answer may take any time; a closed connection ends when all is read."""
        if not self.is_waiting:
            self._request = _taken_back(self._request)
        if self.transport.is_closing():
            self._await_reader()


def _taken_back(timer: Timer | None) -> Timer | None:
    """Cancel the timer, if there is one, and return None."""
    if timer is not None:
        timer.cancel()
    return None
