"""Connections: HTTP/1.1 by httpcore, to addresses that were checked, kept open for the next request to the same host.

httpcore passes a request's timeouts on to the stream unchanged. Here they are not durations but moments by our
clock, the same moment for all of an exchange: a server that sends a byte a second is abandoned on time.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from threading import Lock
from typing import Any, TypeVar

import httpcore

from stages.download.fetch.addresses import Address, Allowed, Names
from stages.download.fetch.outcomes import NO_CONNECTION, TIMEOUT, TLS, NotFetched
from stages.download.fetch.targets import Target
from stages.images import OF_THE_MACHINE

T = TypeVar("T")
IDLE_S = 4.0  # servers close connections that are idle for 5 s and more
KEPT = 256  # idle connections open at once
LOOK_S = 0.25  # between two checks of the clock while nothing arrives


class Stale(ConnectionError):
    """A connection ended without an answer to this request."""


class Stream(httpcore.NetworkStream):
    """An open socket. Every `timeout` is a moment by `clock`; TimeoutError is raised once it has passed."""

    def __init__(self, opened: socket.socket, clock: Callable[[], float]) -> None:
        self._socket, self._clock, self._answered = opened, clock, False
        self._socket.settimeout(LOOK_S)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._by(timeout, lambda: self._socket.recv(max_bytes))
        if not data and not self._answered:
            raise Stale("it ended the connection without an answer")
        self._answered = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._answered = False
        while buffer:
            sent = self._by(timeout, partial(self._socket.send, buffer))
            buffer = buffer[sent:]

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Start TLS on the socket. Raises NotFetched (tls)."""
        secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname, do_handshake_on_connect=False)
        self._socket = secured
        try:
            self._by(timeout, secured.do_handshake)
        except BaseException as error:
            secured.close()
            if isinstance(error, ssl.SSLError):
                raise NotFetched(TLS, f"{server_hostname}: {error}") from error
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore requests: whether there is something to read, as when the other side has closed."""
        if info != "is_readable":
            return None
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return bool(waiting.poll(0))

    def _by(self, moment: float | None, work: Callable[[], T]) -> T:
        """Call `work`, which waits at most LOOK_S for the socket, until it succeeds or the moment has passed."""
        assert moment is not None  # every request sets its moments
        while self._clock() < moment:
            try:
                return work()
            except TimeoutError:
                continue
        raise TimeoutError


class CheckedAddresses(httpcore.NetworkBackend):
    """Connects to hosts whose every address is allowed; `timeout` is a moment, as a Stream's is."""

    def __init__(self, allowed: Allowed, clock: Callable[[], float]) -> None:
        self._allowed, self._names, self._clock = allowed, Names(), clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> Stream:
        """Connect to a host. Raises NotFetched; OSError if this machine lacks something."""
        assert timeout is not None
        addresses = self._names.addresses(host, self._left(timeout))
        for address in addresses:  # all of them first: a name with a private address among them is suspicious
            self._allowed.check(host, address)
        failure: OSError = OSError("it has no address")
        for place, address in enumerate(addresses):
            # an address that does not answer leaves time for the next
            share_s = self._left(timeout) / (len(addresses) - place)
            try:
                return Stream(_connected(address, port, share_s), self._clock)
            except OSError as error:
                if error.errno in OF_THE_MACHINE:
                    raise
                failure = error
        word = TIMEOUT if isinstance(failure, TimeoutError) else NO_CONNECTION
        raise NotFetched(word, f"{host}:{port}: {failure.strerror or failure}") from failure

    def _left(self, moment: float) -> float:
        return max(moment - self._clock(), 0.001)


class Connections:
    """Makes connections, and keeps those that can be used again. Used by many threads."""

    def __init__(self, allowed: Allowed, clock: Callable[[], float] = time.monotonic) -> None:
        self._backend = CheckedAddresses(allowed, clock)
        self._idle: deque[tuple[httpcore.Origin, httpcore.HTTPConnection]] = deque()
        self._lock = Lock()

    def kept(self, here: Target) -> httpcore.HTTPConnection | None:
        """Return a connection that was used before, the latest first."""
        origin = origin_of(here)
        with self._lock:
            place = next((place for place, (known, _) in enumerate(self._idle) if known == origin), None)
            if place is None:
                return None
            found = self._idle[place][1]
            del self._idle[place]
        if not found.has_expired():
            return found
        found.close()
        return None

    def new(self, here: Target) -> httpcore.HTTPConnection:
        """Return a connection that is opened by its first request."""
        return httpcore.HTTPConnection(
            origin_of(here), ssl_context=self._trust, keepalive_expiry=IDLE_S, network_backend=self._backend
        )

    def keep(self, here: Target, connection: httpcore.HTTPConnection) -> None:
        """Keep a connection for another request, or close it if it cannot take one."""
        if not connection.is_available() or _holds_more(connection):
            connection.close()
            return
        with self._lock:
            self._idle.appendleft((origin_of(here), connection))
            dropped = [self._idle.pop()[1] for _ in range(len(self._idle) - KEPT)]
        for one in dropped:
            one.close()

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def origin_of(here: Target) -> httpcore.Origin:
    return httpcore.Origin(here.scheme.encode(), here.host.encode(), here.port)


def _holds_more(connection: httpcore.HTTPConnection) -> bool:
    """Return whether bytes came behind the answer, which h11 would take for the next one.

    httpcore keeps h11's state private; `test_what_a_server_sends_behind_an_answer_is_nobodys_image` holds it.
    """
    inner = connection._connection
    return not isinstance(inner, httpcore.HTTP11Connection) or bool(inner._h11_state.trailing_data[0])


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
