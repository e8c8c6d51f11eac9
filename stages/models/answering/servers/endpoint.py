"""Endpoint: one request to a server and its body, within a time, over connections that are kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from manifests.errors import Refused
from stages.models.answering.base import Reply
from stages.models.answering.servers.failures import Transient, reply_for_error
from stages.models.answering.settings import Server
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
    uses_proxy,
)

MAX_BYTES = 16_000_000  # limit of a reply: a long one with its log-probabilities has a few hundred thousand


@dataclass(frozen=True)
class Endpoint:
    """Where completions are asked for. `client` may be used by many threads at once."""

    url: httpx.URL
    key_remedy: str
    key: str | None = field(repr=False)
    client: httpx.Client = field(repr=False)

    @property
    def place(self) -> str:
        """The URL for display, without the parts that may be secret."""
        return place_of(self.url)

    def sentence(self, message: str) -> str:
        """Return a sentence about the server that quotes it and does not show the key."""
        return quoted(self.place, message, self.key)

    def post(self, asked: Mapping[str, Any], seconds: float, now: Callable[[], float]) -> bytes | Reply:
        """Return the body of a completion, or the reply that an error amounts to. The request may take `seconds`.

        Raises Transient if asking again may help, Refused if no question would be answered.
        """
        try:
            return self._posted(json.dumps(asked).encode(), seconds, now() + seconds, now)
        except TooLong:
            raise Transient(f"{self.place} answers with more than {MAX_BYTES:,} bytes") from None
        except (httpx.TimeoutException, TooSlow) as error:
            raise Transient(f"{self.place} did not answer within {seconds:g} s") from error
        except httpx.HTTPError as error:
            raise Transient(quoted(f"{self.place} cannot be reached", str(error), self.key)) from error

    def _posted(self, body: bytes, seconds: float, until: float, now: Callable[[], float]) -> bytes | Reply:
        headers = {"Content-Type": "application/json", **authorization(self.key)}
        timeout = httpx.Timeout(seconds, connect=min(seconds, CONNECT_S))
        with self.client.stream(
            "POST", completions(self.url), content=body, headers=headers, timeout=timeout
        ) as response:
            # the timeout is of each read: what is left of the time is that of the next
            response.request.extensions["timeout"]["read"] = max(0.001, until - now())
            data = read_body(response, until=until, clock=now, most=MAX_BYTES)
        if response.status_code == 200:
            return data
        said = quoted(f"{self.place} answered {response.status_code}", error_message(data), self.key)
        after_s = retry_after_s(response.headers.get("retry-after"))
        return reply_for_error(response.status_code, data, said, after_s, self.key_remedy)


def endpoint(settings: Server) -> Endpoint:
    """Return the endpoint that the settings name, not yet asked. Raises Refused as `address` does."""
    url, key = address(settings)
    remedy = f"check the key in {settings.key_variable}" if key else f"set {settings.key_variable} to the server's key"
    limits = httpx.Limits(max_connections=settings.in_flight, max_keepalive_connections=settings.in_flight)
    try:
        client = httpx.Client(limits=limits, trust_env=uses_proxy(url))
    except (ImportError, ValueError, httpx.InvalidURL):  # not quoted: a proxy's URL may hold its password
        raise Refused(
            f"{place_of(url)} cannot be asked through the proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, "
            "ALL_PROXY): use a proxy of the form http://HOST:PORT, or name the server's host in NO_PROXY"
        ) from None
    return Endpoint(url, remedy, key, client)


def address(settings: Server) -> tuple[httpx.URL, str | None]:
    """Return the server's URL and the key. Raises Refused for one that cannot be used or would be seen by others."""
    url, variable = checked_url(settings.url, "url"), settings.key_variable
    if url.userinfo:
        raise Refused(
            f"url: {place_of(url)} contains a user name or password, which an evaluation's files would show; "
            "leave them out, and set a key as an environment variable (key_variable)"
        )
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", variable):  # not shown: it may be the key
        raise Refused(
            "key_variable is not a name of an environment variable; write the name of the one that holds the key"
        )
    return url, checked_key(key_in((variable,)), (variable,))
