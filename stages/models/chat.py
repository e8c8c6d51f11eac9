"""Chat: client for a server with OpenAI's chat protocol, which sends text and images and retries a few times.

Every failure of the server is a DraftFailed with a sentence. The key comes from the environment, is sent in one
header, and is kept out of every message.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import sleep
from typing import Any

import httpx

from manifests.errors import BlindpairsError, Refused
from manifests.parsing import parse_json
from stages.text import plain

KEYS = ("BLINDPAIRS_DRAFT_KEY", "OPENAI_API_KEY")  # the first one that is set is used
TIMEOUT_S = 120.0  # total for one try
CONNECT_S = 10.0
TRIES = 3
PAUSES_S = (1.0, 4.0)  # before the second and the third try, unless the server says how long
LONGEST_PAUSE_S = 20.0
MAX_BYTES = 4_000_000  # limit of a reply: a draft has a few hundred
TOLD = 200  # characters of a server's message that are quoted in a sentence
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class DraftFailed(BlindpairsError):
    """The server gave no draft; the message says why."""


class _Passing(DraftFailed):
    """A failure that may pass if the request is retried, after `after_s` seconds."""

    def __init__(self, sentence: str, after_s: float | None = None) -> None:
        super().__init__(sentence)
        self.after_s = after_s


@dataclass(frozen=True)
class Chat:
    """A model on a server; `url` ends where `/chat/completions` begins, as in http://127.0.0.1:8000/v1."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.key and not all("!" <= character <= "~" for character in self.key):
            raise Refused(f"the key in {' or '.join(KEYS)} holds a character that no key has; look at how it was set")

    def ask(self, words: str, pictures: Sequence[str] = (), rules: str | None = None) -> str:
        """Return the model's answer to these words and pictures (data: URIs) under these rules. Raises DraftFailed."""
        shown = [{"type": "image_url", "image_url": {"url": one}} for one in pictures]
        content = [{"type": "text", "text": words}, *shown] if shown else words
        told = [{"role": "system", "content": rules}] if rules else []
        messages = [*told, {"role": "user", "content": content}]
        body = self._patiently({"model": self.model, "messages": messages, "temperature": 0})
        if text := _text(body):
            return text
        raise DraftFailed(self._said(f"{self.place} answered with no words of a chat completion", _start(body)))

    @property
    def place(self) -> str:
        """The URL for display, without the parts that may be secret."""
        url = httpx.URL(self.url)
        return plain(str(url.copy_with(username=None, password=None, query=None, fragment=None)).rstrip("/"))

    def _patiently(self, asked: Mapping[str, Any]) -> bytes:
        for pause_s in PAUSES_S:
            try:
                return self._once(asked)
            except _Passing as error:
                sleep(min(LONGEST_PAUSE_S, pause_s if error.after_s is None else error.after_s))
        return self._once(asked)

    def _once(self, asked: Mapping[str, Any]) -> bytes:
        url = httpx.URL(self.url)
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        # a proxy set in the environment cannot reach this machine's loopback addresses
        outside = url.host not in LOOPBACK
        try:
            with (
                httpx.Client(timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_S), trust_env=outside) as client,
                client.stream("POST", _completions(url), json=asked, headers=headers) as reply,
            ):
                body = _body(reply, self.place)
        except (httpx.ReadTimeout, httpx.WriteTimeout) as error:  # a person is waiting: no retry
            raise DraftFailed(f"{self.place} did not answer within {TIMEOUT_S:g} s") from error
        except httpx.HTTPError as error:
            raise _Passing(self._said(f"{self.place} cannot be reached", str(error))) from error
        if reply.status_code == 200:
            return body
        raise self._failure(reply, body)

    def _failure(self, reply: httpx.Response, body: bytes) -> DraftFailed:
        sentence = self._said(f"{self.place} answered {reply.status_code}", _told(body))
        if reply.status_code == 429 or reply.status_code >= 500:
            return _Passing(sentence, _after_s(reply.headers.get("retry-after")))
        remedy = {401: f"; set {KEYS[0]} to its key", 404: "; look at the URL (it often ends in /v1) and the model"}
        return DraftFailed(sentence + remedy.get(reply.status_code, ""))

    def _said(self, what: str, told: str) -> str:
        """Return a sentence that quotes the server or the network and never contains the key."""
        told = plain(" ".join(told.split()))
        told = told.replace(self.key, "***") if self.key else told
        return f"{what}: {told[:TOLD]}" if told else what


def chat_of(url: str | None, model: str | None) -> Chat | None:
    """Return the chat for this URL and model, None if neither is given. Raises Refused for one alone or a bad URL."""
    if url is None and model is None:
        return None
    if not url or not model:
        raise Refused("a draft needs both: --draft URL, a server that speaks OpenAI's protocol, and --model NAME")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Refused(f"--draft: {plain(url[:TOLD])!r} is not a URL ({error})") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Refused(f"--draft: {plain(url[:TOLD])!r} is not a URL of a server, such as http://127.0.0.1:8000/v1")
    return Chat(url, model, next((value for name in KEYS if (value := os.environ.get(name, "").strip())), None))


def asked_chat(url: str | None, model: str | None) -> Chat:
    """Return the chat as `chat_of` does. Raises Refused if none is named."""
    if (chat := chat_of(url, model)) is None:
        raise Refused("name the server and the model that are to be asked: --draft http://HOST/v1 --model NAME")
    return chat


def _completions(url: httpx.URL) -> httpx.URL:
    return url.copy_with(path=f"{url.path.rstrip('/')}/chat/completions", fragment=None)


def _body(reply: httpx.Response, place: str) -> bytes:
    """Read a complete reply. Ends a slow or endless one here, because the client's timeout applies to single reads."""
    deadline, body = time.monotonic() + TIMEOUT_S, bytearray()
    for piece in reply.iter_bytes():
        body += piece
        if len(body) > MAX_BYTES:
            raise DraftFailed(f"{place} answers with more than {MAX_BYTES:,} bytes; it is no server of this protocol")
        if time.monotonic() > deadline:
            raise DraftFailed(f"{place} did not answer within {TIMEOUT_S:g} s")
    return bytes(body)


def _text(body: bytes) -> str:
    """Return the text of a completion; empty if it is not a completion or has no text."""
    try:
        content = parse_json(body)["choices"][0]["message"]["content"]
        parts = [part["text"] for part in content if part["type"] == "text"] if isinstance(content, list) else [content]
        text = "".join(parts)
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return text.strip().encode("utf-8", "replace").decode()  # a lone surrogate is not valid text anywhere else


def _told(body: bytes) -> str:
    """Extract a server's error message: in OpenAI's format, or else the body as it is."""
    try:
        said = parse_json(body)
    except ValueError:
        return _start(body)
    error = said.get("error", said.get("detail", said)) if isinstance(said, dict) else said
    return str(error.get("message", error) if isinstance(error, dict) else error)


def _start(body: bytes) -> str:
    return body[: 4 * TOLD].decode(errors="replace")


def _after_s(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header requests: a number, or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None
