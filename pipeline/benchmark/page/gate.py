"""Gate: which requests may reach the page's server. Every request passes here before any route.

- The requested host name (Host) must be this machine's: otherwise a foreign site that points its own name at 127.0.0.1
  could read the answers (DNS rebinding).
- A write must come from this page: it needs its origin, and the token that only this page was given (CSRF).
- On an address that other machines reach, every request must present the key of the URL that was printed; after that, a
  cookie carries it.
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "x-blindpairs-token"  # noqa: S105 - a header's name
MOST = 65536  # bytes of a write, at most
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True)
class Pass:
    """What lets a request through: `token` for writes; `key` for every request, if other machines reach the server."""

    key: str | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @staticmethod
    def on(host: str) -> Pass:
        """Return the pass of a server bound to this address."""
        return Pass(None if is_loopback(host) else secrets.token_urlsafe(32))


class Gate:
    """Middleware around the routes: refuses with a sentence, or passes the request on and adds the headers."""

    def __init__(self, app: ASGIApp, given: Pass) -> None:
        self.app, self.given = app, given

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # start and end of the server; no route speaks WebSocket
            await self.app(scope, receive, send)
            return
        answer = self._odd(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await (answer or self.app)(scope, receive, with_headers)

    def _odd(self, scope: Scope) -> Response | None:
        """Return the answer to a request that may not pass; None if it may."""
        headers = Headers(scope=scope)
        if not _is_named_here(headers.get("host", ""), anywhere=self.given.key is not None):
            return _refused(421, "this server goes by this machine's own names alone")
        if self.given.key is not None and (answer := self._without_key(scope, headers)):
            return answer
        if scope["method"] in ("GET", "HEAD"):
            return None
        return self._odd_write(headers)

    def _odd_write(self, headers: Headers) -> Response | None:
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers['host']}":
            return _refused(403, "a write must come from this page, not from another site")
        if not secrets.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self.given.token.encode()):
            return _refused(
                403, "this page is of an earlier start of the server: reload it, or open the URL that it printed now"
            )
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or not length.isdecimal() or int(length) > MOST:
            return _refused(413, f"a write has a length, of at most {MOST} bytes")
        return None

    def _without_key(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request without the key, or with it in its URL, from where a cookie takes over."""
        shown, name = (
            parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0],
            f"blindpairs_{_port(scope)}",
        )
        if self._is_key(shown):
            answer = RedirectResponse("/", 303)
            # lax: the link may be opened from an email; writes need their origin and token anyway
            answer.set_cookie(name, shown, httponly=True, samesite="lax")
            return answer
        if self._is_key(_cookie(headers.get("cookie", ""), name)):
            return None
        return _refused(403, "open the whole URL that `blindpairs author` printed, with its key")

    def _is_key(self, shown: str) -> bool:
        return secrets.compare_digest(shown.encode(), (self.given.key or "").encode())


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server bound to this address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_named_here(host: str, *, anywhere: bool) -> bool:
    """Check the name only, with any port: people who forward a port to another machine use a port of their own."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if is_loopback(name):
        return True
    return anywhere and (_is_address(name) or name in (socket.gethostname().lower(), socket.getfqdn().lower()))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _port(scope: Scope) -> int:
    return int((scope.get("server") or ("", 0))[1] or 0)


def _cookie(text: str, name: str) -> str:
    try:
        found = SimpleCookie(text).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _refused(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)
