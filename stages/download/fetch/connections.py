"""Connections: to addresses that were checked, with TLS verified, kept open for the next request to the same host."""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from functools import cached_property
from http.client import HTTPConnection, HTTPResponse, LineTooLong
from threading import Lock
from typing import Any

from stages.download.fetch.addresses import Address, Allowed, Names
from stages.download.fetch.outcomes import NO_CONNECTION, TIMEOUT, NotFetched
from stages.download.fetch.targets import Target
from stages.images import OF_THE_MACHINE

HEADER_BYTES = 65_536  # status line and headers
IDLE_S = 4.0  # servers close what is idle for 5 s and more
KEPT = 256  # open at once without a request


class _Headed(io.BufferedReader):
    """An answer of which no more than HEADER_BYTES are read by lines until the headers are done."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw, 65_536)
        self.left: int | None = HEADER_BYTES

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if self.left is not None:
            self.left -= len(line)
            if self.left < 0:
                raise LineTooLong("header section")
        return line

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:  # a chunk of length -1 would be read to the end of all things
            raise ValueError("a negative length")
        return super().read(size)


class Answer(HTTPResponse):
    """http.client's, with its header section bounded."""

    def __init__(self, sock: socket.socket, *words: Any, **named: Any) -> None:
        super().__init__(sock, *words, **named)
        self.fp: Any = _Headed(self.fp.detach())  # type: ignore[has-type]

    def begin(self) -> None:
        super().begin()
        if self.fp is not None:  # closed already where there is no body
            self.fp.left = None


class Connection(HTTPConnection):
    """An open connection; where it leads was decided before it was made."""

    response_class = Answer

    def __init__(self, target: Target, opened: socket.socket) -> None:
        super().__init__(target.host, target.port)
        self.sock = opened
        self.auto_open = 0
        self.used = False
        self.idle_since = 0.0


class Connections:
    """Opens connections, and keeps those that can be used again."""

    def __init__(self, allowed: Allowed, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed, self._names, self._clock = allowed, Names(), clock
        self._idle: deque[tuple[tuple[str, str, int], Connection]] = deque()
        self._lock = Lock()

    def kept(self, target: Target) -> Connection | None:
        """One that was used before, the latest first."""
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place][0] == _key(target):
                    found = self._idle[place][1]
                    del self._idle[place]
                    return found if self._fresh(found) else None
        return None

    def keep(self, target: Target, connection: Connection) -> None:
        connection.used, connection.idle_since = True, self._clock()
        with self._lock:
            self._idle.append((_key(target), connection))
            dropped = [self._idle.popleft()[1] for _ in range(len(self._idle) - KEPT)]
        for one in dropped:
            one.close()

    def opened(self, target: Target, deadline: float) -> Connection:
        """A new one, with TLS around it where the URL says so, hands not shaken as yet.

        Raises NotFetched; OSError where this machine lacks something.
        """
        addresses = self._names.addresses(target.host, self._left(deadline))
        for address in addresses:  # all of them first: a name with a private one among them is up to no good
            self._allowed.check(target.host, address)
        failure: OSError = OSError("it has no address")
        for place, address in enumerate(addresses):
            # an address at which nobody answers leaves time for the next
            share_s = self._left(deadline) / (len(addresses) - place)
            try:
                return Connection(target, self._wrapped(target, _connected(address, target.port, share_s)))
            except OSError as error:
                if error.errno in OF_THE_MACHINE:
                    raise
                failure = error
        word = TIMEOUT if isinstance(failure, TimeoutError) else NO_CONNECTION
        raise NotFetched(word, f"{target.site}: {failure.strerror or failure}") from failure

    def _wrapped(self, target: Target, opened: socket.socket) -> socket.socket:
        if target.scheme == "http":
            return opened
        return self._trust.wrap_socket(opened, server_hostname=target.host, do_handshake_on_connect=False)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def _fresh(self, connection: Connection) -> bool:
        if self._clock() - connection.idle_since < IDLE_S:
            return True
        connection.close()
        return False

    def _left(self, deadline: float) -> float:
        return max(deadline - self._clock(), 0.001)


def _key(target: Target) -> tuple[str, str, int]:
    return target.scheme, target.host, target.port


def _connected(address: Address, port: int, within_s: float) -> socket.socket:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.settimeout(within_s)
        opened.connect((str(address), port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        opened.close()
        raise
    return opened
