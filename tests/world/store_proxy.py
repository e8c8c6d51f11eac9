"""A proxy before a store, on loopback: it counts what is asked and fails as real stores and networks do."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from world.processes import PATIENCE_S

SLOW_DOWN = b"<Error><Code>%s</Code><Message>Please reduce your request rate.</Message></Error>"
HOP = ("transfer-encoding", "connection", "content-length", "keep-alive")


@dataclass(frozen=True)
class Asked:
    """One request: what kind (list, get, head, put, delete, post), which file, and what went back."""

    kind: str
    path: str  # /bucket/key
    status: int
    sent: int  # bytes of the body that went back
    span: str | None  # the Range header


@dataclass
class Faults:
    """What goes wrong from now on. `only`: kinds of requests it happens to; a fault of a number happens so often."""

    only: tuple[str, ...] = ("list", "get", "head", "put", "delete", "post")
    busy_until: float = 0.0  # by time.monotonic: 503 and nothing else
    busy: int = 0  # answers 503
    busy_code: str = "ServiceUnavailable"
    cut: int = 0  # bodies that break off half way, the connection with them
    shortened: int = 0  # bodies of half the bytes, of which the headers say nothing
    reset: int = 0  # connections reset, the request not passed on
    lost: int = 0  # connections reset after the store did what was asked
    broken: int = 0  # answers 500
    lock: Any = field(default_factory=threading.Lock, repr=False)

    def strikes(self, name: str, kind: str) -> bool:
        """Whether this fault happens to a request of this kind; counted down where it does."""
        with self.lock:
            left = getattr(self, name) if kind in self.only else 0
            if left:
                setattr(self, name, left - 1)
            return left > 0


class Proxy:
    """Passes requests on to a store at `port`; `faults` and `asked` may be used while it runs."""

    def __init__(self, port: int) -> None:
        self.faults, self.asked = Faults(), list[Asked]()
        self.at_once = threading.Lock()
        self._awaited: tuple[str, dict[str, Any]] | None = None
        handler = type("Passing", (_Passing,), {"proxy": self, "store_port": port})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a connection that ends is no news here
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, *, seconds: float = 0.0, **faults: Any) -> None:
        """Fail from now on as `faults` says (see Faults); `seconds`: answer 503 for so long."""
        self.faults = Faults(**faults, busy_until=time.monotonic() + seconds)

    def fail_after(self, path: str, **faults: Any) -> None:
        """Fail as `fail` does from the moment that a file whose path (/bucket/key) begins so has been put."""
        self._awaited = path, faults

    def took(self, path: str) -> None:
        """A file has been put; who put it does not know yet."""
        if self._awaited and path.startswith(self._awaited[0]):
            (_, faults), self._awaited = self._awaited, None
            self.fail(**faults)

    def counted(self) -> Counter[str]:
        """How many requests of each kind there were."""
        return Counter(one.kind for one in list(self.asked))

    def sent(self, kind: str = "get") -> int:
        """How many bytes of bodies went back to requests of this kind."""
        return sum(one.sent for one in list(self.asked) if one.kind == kind)


class _Passing(BaseHTTPRequestHandler):
    proxy: Proxy
    store_port: int
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, faults = self._kind(), self.proxy.faults
        if kind in faults.only and time.monotonic() < faults.busy_until:
            return self._refuse(kind, 503, faults.busy_code)
        if faults.strikes("busy", kind):
            return self._refuse(kind, 503, faults.busy_code)
        if faults.strikes("broken", kind):
            return self._refuse(kind, 500, "InternalError")
        if faults.strikes("reset", kind):
            return self._reset(kind)
        # moto looks whether a file is there, and writes it then: in between another may; a store does both at once
        once = "If-None-Match" in self.headers or "If-Match" in self.headers
        with self.proxy.at_once if once else nullcontext():
            status, headers, data = self._stored(body)
        if kind == "put" and status < 300:
            self.proxy.took(urlsplit(self.path).path)
        if faults.strikes("lost", kind):
            return self._reset(kind)
        return self._answer(kind, status, headers, data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass

    def _stored(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the store answers: status, headers, body."""
        store = HTTPConnection("127.0.0.1", self.store_port, timeout=PATIENCE_S)
        # the Host header goes along as it is: the signature covers it
        store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect"):
                store.putheader(name, value)
        store.endheaders(body)
        answer = store.getresponse()
        data = answer.read()
        store.close()
        return answer.status, answer.getheaders(), data

    def _kind(self) -> str:
        url = urlsplit(self.path)
        listing = url.path.count("/") == 1 or not url.path.split("/", 2)[2] or "list-type" in parse_qs(url.query)
        return "list" if self.command == "GET" and listing else self.command.lower()

    def _answer(self, kind: str, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        faults, whole = self.proxy.faults, data
        hurt = status < 300 and len(data) > 1
        cut = hurt and faults.strikes("cut", kind)
        if cut or (hurt and faults.strikes("shortened", kind)):
            data = data[: len(data) // 2]
        # before anything is sent: who has the answer may look at once
        self.proxy.asked.append(Asked(kind, urlsplit(self.path).path, status, len(data), self.headers.get("Range")))
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        length = {name.lower(): value for name, value in headers}.get("content-length", "0")
        if self.command == "HEAD":
            self.send_header("Content-Length", length)
        elif status != 204:
            self.send_header("Content-Length", str(len(whole if cut else data)))
        self.end_headers()
        self.wfile.write(data)
        if cut:
            self.wfile.flush()
            self._close()

    def _refuse(self, kind: str, status: int, code: str) -> None:
        body = b"" if self.command == "HEAD" else SLOW_DOWN % code.encode()
        self._answer(kind, status, [("Content-Type", "application/xml"), ("content-length", str(len(body)))], body)

    def _reset(self, kind: str) -> None:
        self.proxy.asked.append(Asked(kind, urlsplit(self.path).path, 0, 0, self.headers.get("Range")))
        # no linger: the other side sees "connection reset", not an orderly end
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close()

    def _close(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""
