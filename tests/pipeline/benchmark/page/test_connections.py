"""A page's server among clients that send half a request, or read half an answer: real sockets, a clock by hand."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI, Response
from world.authoring import paired_run
from world.processes import until

from pipeline.benchmark.page.app import author_app
from pipeline.benchmark.page.connections import Later, Limits, PatientProtocol
from pipeline.benchmark.page.desk import Desk
from pipeline.benchmark.page.gate import Pass
from pipeline.benchmark.page.serve import server_of
from pipeline.run.run import Run
from stages.author.store import NAME, Store

HOST = "127.0.0.1"
REQUEST_S, UNREAD_S = 1.0, 2.0  # by the hand's clock
LONG_S = 60.0  # until a test gives up
LIMITS = Limits(request_s=REQUEST_S, unread_s=UNREAD_S, idle_s=3600)


@dataclass
class Planned:
    """Something that is done when the hand's clock comes to it."""

    seconds: float
    call: Callable[[], None]
    loop: asyncio.AbstractEventLoop
    over: bool = False

    def cancel(self) -> None:
        self.over = True

    def ring(self) -> None:
        if not self.over:
            self.over = True
            self.call()


@dataclass
class HandClock:
    """The server's clock, which stands still until a test moves it."""

    planned: list[Planned] = field(default_factory=list)

    def later(self, seconds: float, call: Callable[[], None]) -> Planned:
        self.planned.append(Planned(seconds, call, asyncio.get_running_loop()))
        return self.planned[-1]

    def waiting(self, seconds: float = REQUEST_S) -> int:
        """How many timers of so many seconds are set."""
        return sum(not one.over and one.seconds == seconds for one in list(self.planned))

    def ring(self, seconds: float = REQUEST_S) -> None:
        """Let so many seconds pass for all that is planned."""
        for one in list(self.planned):
            if one.seconds == seconds:
                one.loop.call_soon_threadsafe(one.ring)


class Page:
    """A server, and clients of it that say what they are told to."""

    def __init__(self, port: int, server: uvicorn.Server) -> None:
        self.port, self.server, self._stack = port, server, ExitStack()

    def client(self, *said: bytes, buffer: int | None = None) -> socket.socket:
        """A connection that says this, and nothing more."""
        one = self._stack.enter_context(socket.socket())
        if buffer:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        one.settimeout(LONG_S)
        one.connect((HOST, self.port))
        for piece in said:
            one.sendall(piece)
        return one

    def asked(self, request: bytes) -> bytes:
        """All that is answered to a whole request."""
        return everything(self.client(request))

    def get(self, path: str = "/") -> bytes:
        return self.asked(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode())

    def close(self) -> None:
        self._stack.close()


def everything(client: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    found = bytearray()
    try:
        while piece := client.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return bytes(found)


def is_open(client: socket.socket) -> bool:
    """Whether the server has neither closed it nor said anything."""
    return not select.select([client], [], [], 0)[0]


@contextmanager
def served(app: FastAPI, limits: Limits, later: Later | None = None, buffer: int | None = None) -> Iterator[Page]:
    ready = threading.Event()
    with closing(socket.create_server((HOST, 0))) as listening:
        if buffer:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        server = server_of(app, ready.set, limits, later)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        assert ready.wait(LONG_S)
        page = Page(listening.getsockname()[1], server)
        try:
            yield page
        finally:
            page.close()
            server.should_exit = True
            thread.join()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def given() -> Pass:
    return Pass.on(HOST)


@pytest.fixture
def app(tmp_path: Path, given: Pass) -> Iterator[FastAPI]:
    run = paired_run(tmp_path, 2)
    with closing(Store(run / NAME)) as store:
        yield author_app(Desk(Run.open(str(run)), store, "ann"), given, ("clip", "dino"))


@pytest.fixture
def page(app: FastAPI, clock: HandClock) -> Iterator[Page]:
    with served(app, LIMITS, clock.later) as one:
        yield one


def halves(given: Pass) -> list[bytes]:
    """Requests of which the rest does not come."""
    write = b"POST /api/undo HTTP/1.1\r\nHost: localhost\r\nX-Blindpairs-Token: %s\r\nContent-Length: 100\r\n\r\n{"
    return [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        write % given.token.encode(),
        write % b"not the token",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nx",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\nx",
    ]


def test_half_a_request_is_cut_when_its_time_is_over_and_others_are_answered_meanwhile(
    page: Page, clock: HandClock, given: Pass
) -> None:
    clients = [page.client(half) for half in halves(given) for _ in range(4)]
    until(lambda: clock.waiting() == len(clients))
    assert page.get().startswith(b"HTTP/1.1 200")
    until(lambda: clock.waiting() == len(clients))
    clock.ring()
    for client in clients:
        everything(client)
    until(lambda: not page.server.server_state.connections)
    assert page.get().startswith(b"HTTP/1.1 200")


def test_a_request_that_comes_in_drips_has_no_more_time(page: Page, clock: HandClock) -> None:
    client = page.client(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    until(lambda: clock.waiting() == 1)
    for number in range(20):
        client.sendall(b"X-%d: a\r\n" % number)
    assert page.get().startswith(b"HTTP/1.1 200")
    (first,) = (one for one in clock.planned if not one.over and one.seconds == REQUEST_S)
    assert first is clock.planned[0]
    clock.ring()
    assert everything(client) == b""


def test_what_is_answered_slowly_is_not_cut(clock: HandClock) -> None:
    slow, entered, go_on = FastAPI(), threading.Event(), threading.Event()

    @slow.get("/")
    def answer() -> str:
        entered.set()
        go_on.wait(LONG_S)
        return "slow"

    with served(slow, LIMITS, clock.later) as page:
        client = page.client(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert entered.wait(LONG_S)
        until(lambda: clock.waiting() == 0)
        clock.ring()
        go_on.set()
        assert everything(client).endswith(b'"slow"')


def test_the_next_request_of_a_connection_has_its_own_time(page: Page, clock: HandClock) -> None:
    whole = b"GET /static/icon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n"
    client = page.client(whole, whole + b"GET / HT")
    answered = b""
    while answered.count(b"</svg>") < 2:
        answered += client.recv(65536)
    until(lambda: clock.waiting() == 1)
    clock.ring()
    assert everything(client) == b""


def test_an_answer_that_nobody_reads_is_cut(clock: HandClock) -> None:
    app, size = FastAPI(), 64 << 20
    app.get("/")(lambda: Response(bytes(size)))
    with served(app, LIMITS, clock.later) as page:
        client = page.client(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", buffer=4096)
        until(lambda: clock.waiting(UNREAD_S) == 1)
        assert clock.waiting(REQUEST_S) == 0
        clock.ring(UNREAD_S)
        until(lambda: not page.server.server_state.connections)
        assert len(everything(client)) < size


@pytest.mark.parametrize("header", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
def test_the_end_of_an_answer_that_nobody_reads_is_cut(clock: HandClock, header: bytes) -> None:
    app = FastAPI()
    app.get("/")(lambda: Response(bytes(1 << 20)))
    with served(app, replace(LIMITS, idle_s=0), clock.later, buffer=4096) as page:
        client = page.client(b"GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % header, buffer=4096)
        (connection,) = _connections(page)
        until(lambda: clock.waiting(UNREAD_S) == 1)
        while connection.transport.get_write_buffer_size() > 15_000:  # so little that uvicorn calls it read
            client.recv(1024)
        until(lambda: connection.transport.is_closing())
        until(lambda: not connection.flow.write_paused)
        until(lambda: clock.waiting(UNREAD_S) == 1)
        clock.ring(UNREAD_S)
        until(lambda: not page.server.server_state.connections)


def _connections(page: Page) -> list[PatientProtocol]:
    until(lambda: page.server.server_state.connections)
    return list(page.server.server_state.connections)


def test_an_answer_that_is_read_is_not(clock: HandClock) -> None:
    app, size = FastAPI(), 8 << 20
    app.get("/")(lambda: Response(bytes(size)))
    with served(app, LIMITS, clock.later) as page:
        for _ in range(3):
            assert len(page.get()) > size
        until(lambda: not page.server.server_state.connections)
        assert (clock.waiting(REQUEST_S), clock.waiting(UNREAD_S)) == (0, 0)


def test_of_too_many_connections_the_one_goes_that_has_waited_longest(app: FastAPI, clock: HandClock) -> None:
    with served(app, replace(LIMITS, connections=10), clock.later) as page:
        clients = []
        for number in range(10):
            clients.append(page.client(b"GET / HT"))
            until(lambda number=number: clock.waiting() == number + 1)
        assert page.get().startswith(b"HTTP/1.1 200")
        assert everything(clients[0]) == b""
        assert [is_open(client) for client in clients] == [False] + [True] * 9
        for _ in range(8):
            page.client(b"GET / HT")
        assert page.get().startswith(b"HTTP/1.1 200")


def test_a_server_with_its_own_clock_cuts_them_too(app: FastAPI, given: Pass) -> None:
    with served(app, Limits(request_s=0.05)) as page:
        for client in [page.client(half) for half in halves(given) for _ in range(3)]:
            everything(client)


def test_a_header_and_a_body_have_their_bounds(page: Page, given: Pass) -> None:
    head = b"POST /api/undo HTTP/1.1\r\nHost: localhost\r\nX-Blindpairs-Token: %s\r\n" % given.token.encode()
    assert page.asked(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"x" * 20_000).startswith(b"HTTP/1.1 400")
    assert page.asked(b"GET /" + b"x" * 20_000).startswith(b"HTTP/1.1 400")
    for more in (b"Content-Length: 65537\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"):
        client = page.client(head + b"Connection: close\r\n" + more)
        assert client.recv(65536).startswith(b"HTTP/1.1 413")


def test_no_connection_becomes_a_websocket(page: Page) -> None:
    upgrade = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert not page.asked(upgrade + key).startswith(b"HTTP/1.1 101")
