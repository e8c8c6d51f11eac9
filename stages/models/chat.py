"""Chat: client for a server with OpenAI's chat protocol, which sends text and images and retries a few times.

Every failure of the server is a DraftFailed with a sentence. The key comes from the environment, is sent in one
header, and is kept out of every message.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import sleep
from typing import Any

import httpx

from manifests.errors import BlindpairsError, Refused
from manifests.parsing import parse_json
from stages.models.chat_protocol import (
    CONNECT_S,
    TooLong,
    TooSlow,
    authorization,
    checked_key,
    checked_url,
    completions,
    error_message,
    key_in,
    place_of,
    quoted,
    read_body,
    retry_after_s,
    start_of,
    text_of,
    uses_proxy,
)

KEYS = ("BLINDPAIRS_DRAFT_KEY", "OPENAI_API_KEY")  # the first one that is set is used
TIMEOUT_S = 120.0  # total for one try
TRIES = 3
PAUSES_S = (1.0, 4.0)  # before the second and the third try, unless the server says how long
LONGEST_PAUSE_S = 20.0
MAX_BYTES = 4_000_000  # limit of a reply: a draft has a few hundred


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
        checked_key(self.key, KEYS)

    def ask(self, words: str, pictures: Sequence[str] = (), rules: str | None = None) -> str:
        """Return the model's answer to these words and pictures (data: URIs) under these rules. Raises DraftFailed."""
        shown = [{"type": "image_url", "image_url": {"url": one}} for one in pictures]
        content = [{"type": "text", "text": words}, *shown] if shown else words
        told = [{"role": "system", "content": rules}] if rules else []
        messages = [*told, {"role": "user", "content": content}]
        body = self._patiently({"model": self.model, "messages": messages, "temperature": 0})
        if text := _text(body):
            return text
        raise DraftFailed(quoted(f"{self.place} answered with no words of a chat completion", start_of(body), self.key))

    @property
    def place(self) -> str:
        """The URL for display, without the parts that may be secret."""
        return place_of(httpx.URL(self.url))

    def _patiently(self, asked: Mapping[str, Any]) -> bytes:
        for pause_s in PAUSES_S:
            try:
                return self._once(asked)
            except _Passing as error:
                sleep(min(LONGEST_PAUSE_S, pause_s if error.after_s is None else error.after_s))
        return self._once(asked)

    def _once(self, asked: Mapping[str, Any]) -> bytes:
        url, until = httpx.URL(self.url), time.monotonic() + TIMEOUT_S
        headers = authorization(self.key)
        try:
            with (
                httpx.Client(timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_S), trust_env=uses_proxy(url)) as client,
                client.stream("POST", completions(url), json=asked, headers=headers) as reply,
            ):
                body = read_body(reply, until=until, clock=time.monotonic, most=MAX_BYTES)
        except TooLong:
            raise DraftFailed(
                f"{self.place} answers with more than {MAX_BYTES:,} bytes; it is no server of this protocol"
            ) from None
        except (httpx.ReadTimeout, httpx.WriteTimeout, TooSlow) as error:  # a person is waiting: no retry
            raise DraftFailed(f"{self.place} did not answer within {TIMEOUT_S:g} s") from error
        except httpx.HTTPError as error:
            raise _Passing(quoted(f"{self.place} cannot be reached", str(error), self.key)) from error
        if reply.status_code == 200:
            return body
        raise self._failure(reply, body)

    def _failure(self, reply: httpx.Response, body: bytes) -> DraftFailed:
        sentence = quoted(f"{self.place} answered {reply.status_code}", error_message(body), self.key)
        if reply.status_code == 429 or reply.status_code >= 500:
            return _Passing(sentence, retry_after_s(reply.headers.get("retry-after")))
        remedy = {401: f"; set {KEYS[0]} to its key", 404: "; look at the URL (it often ends in /v1) and the model"}
        return DraftFailed(sentence + remedy.get(reply.status_code, ""))


def chat_of(url: str | None, model: str | None) -> Chat | None:
    """Return the chat for this URL and model, None if neither is given. Raises Refused for one alone or a bad URL."""
    if url is None and model is None:
        return None
    if not url or not model:
        raise Refused("a draft needs both: --draft URL, a server that speaks OpenAI's protocol, and --model NAME")
    checked_url(url, "--draft")
    return Chat(url, model, key_in(KEYS))


def asked_chat(url: str | None, model: str | None) -> Chat:
    """Return the chat as `chat_of` does. Raises Refused if none is named."""
    if (chat := chat_of(url, model)) is None:
        raise Refused("name the server and the model that are to be asked: --draft http://HOST/v1 --model NAME")
    return chat


def _text(body: bytes) -> str:
    """Return the text of a completion; empty if it is not a completion or has no text."""
    try:
        message = parse_json(body)["choices"][0]["message"]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return (text_of(message) or "").strip()
