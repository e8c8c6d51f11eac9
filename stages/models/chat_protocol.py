"""Chat protocol: what all clients of servers with OpenAI's chat protocol share: URL, key, bodies, error messages.

No sentence made here shows a key, nor what a URL may hold of one: user name, password, query.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from manifests.errors import Refused
from manifests.parsing import parse_json
from stages.text import plain, without_secrets

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHOWN = 200  # characters of a server's message that are quoted in a sentence
CONNECT_S = 10.0


class TooLong(Exception):
    """A body that is longer than any reply of this protocol."""


class TooSlow(Exception):
    """A body that was not complete in time."""


def checked_url(url: str, where: str) -> httpx.URL:
    """Return the URL of a server. Raises Refused, naming `where` it was given, if it is none."""
    shown = repr(without_secrets(plain(url[:SHOWN])))
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Refused(f"{where}: {shown} is not a URL ({error})") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Refused(f"{where}: {shown} is not a URL of a server, such as http://127.0.0.1:8000/v1")
    return parsed


def checked_key(key: str | None, variables: Sequence[str]) -> str | None:
    """Return the key, None for an empty one. Raises Refused if it holds a character that no header may have."""
    if key and not all("!" <= character <= "~" for character in key):
        raise Refused(f"the key in {' or '.join(variables)} holds a character that no key has; look at how it was set")
    return key or None


def key_in(variables: Sequence[str]) -> str | None:
    """Return the value of the first of these environment variables that is set, without space around it."""
    return next((value for name in variables if (value := os.environ.get(name, "").strip())), None)


def completions(url: httpx.URL) -> httpx.URL:
    """Return where completions are asked for: the path of `url` with /chat/completions, its query kept."""
    return url.copy_with(path=f"{url.path.rstrip('/')}/chat/completions", fragment=None)


def place_of(url: httpx.URL) -> str:
    """Return the URL for display, without the parts that may be secret."""
    return plain(str(url.copy_with(username=None, password=None, query=None, fragment=None)).rstrip("/"))


def uses_proxy(url: httpx.URL) -> bool:
    """Return whether a proxy of the environment counts: it cannot reach this machine's loopback addresses."""
    return url.host not in LOOPBACK


def authorization(key: str | None) -> dict[str, str]:
    """Return the header that carries the key; none without a key."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def quoted(what: str, message: str, key: str | None) -> str:
    """Return a sentence that quotes a server or the network, on one line, with *** in place of the key."""
    message = plain(" ".join(message.split()))
    message = message.replace(key, "***") if key else message
    return f"{what}: {message[:SHOWN]}" if message else what


def error_message(body: bytes) -> str:
    """Extract a server's error message: in OpenAI's format, or else the body as it is."""
    try:
        value = parse_json(body)
    except ValueError:
        return start_of(body)
    error = value.get("error", value.get("detail", value)) if isinstance(value, dict) else value
    return str(error.get("message", error) if isinstance(error, dict) else error)


def start_of(body: bytes) -> str:
    """Return the first characters of a body, for a sentence that quotes it."""
    return body[: 4 * SHOWN].decode(errors="replace")


def retry_after_s(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header requests: a number, or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):  # a year of twenty digits is the second
        return None


def text_of(message: Any) -> str | None:
    """Return the text of a completion's message, exactly; None if it has none.

    `content` is a text, or parts of which those of type text count. Half of a surrogate pair becomes "?".
    """
    try:
        content = message["content"]
        parts = [part["text"] for part in content if part["type"] == "text"] if isinstance(content, list) else [content]
        text = "".join(parts)
    except (KeyError, TypeError):
        return None
    return text.encode("utf-8", "replace").decode() if parts else None


def read_body(reply: httpx.Response, *, until: float, clock: Callable[[], float], most: int) -> bytes:
    """Read a complete body. Raises TooSlow after `until` by the clock, TooLong beyond `most` bytes.

    The client's own timeout applies to single reads, so that a body in small pieces would never end.
    """
    body = bytearray()
    for piece in reply.iter_bytes():
        body += piece
        if len(body) > most:
            raise TooLong
        if clock() > until:
            raise TooSlow
    return bytes(body)
