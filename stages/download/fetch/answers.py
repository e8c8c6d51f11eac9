"""Answers: whether a server's answer is an image we may use, judged by its headers before its body is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpcore

from stages.download.fetch.manners import denial
from stages.download.fetch.outcomes import (
    BAD_ANSWER,
    CLIENT_ERROR,
    CUT_SHORT,
    EMPTY,
    ENCODED,
    FORBIDDEN,
    NOT_AN_IMAGE,
    NOT_FOUND,
    ROBOTS,
    SERVER_ERROR,
    TOO_LARGE,
    TOO_MANY_REQUESTS,
    NotFetched,
)

REDIRECTS = frozenset({301, 302, 303, 307, 308})
WITH_BODY = frozenset({200, 203})
WORDS = {401: FORBIDDEN, 402: FORBIDDEN, 403: FORBIDDEN, 404: NOT_FOUND, 408: SERVER_ERROR, 410: NOT_FOUND}
WORDS |= {429: TOO_MANY_REQUESTS, 451: FORBIDDEN}
NO_IMAGES = ("text/", "video/", "audio/", "application/json", "application/xhtml+xml", "application/pdf")
SMALL = 4096  # bytes of an unwanted body that are read anyway, to keep the connection


@dataclass(frozen=True)
class Answer:
    """An answer's status and headers; the headers are decoded as Latin-1."""

    status: int
    reason: str
    headers: Sequence[tuple[str, str]]

    @staticmethod
    def of(response: httpcore.Response) -> Answer:
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers]
        return Answer(response.status, response.extensions["reason_phrase"].decode("latin-1"), headers)

    def all(self, name: str) -> list[str]:
        """Return every value of a header, whose name is given in lower case."""
        return [value for known, value in self.headers if known == name]

    def value(self, name: str) -> str:
        """Return a header's values as one string; empty if there are none."""
        return ", ".join(self.all(name))

    @property
    def length(self) -> int | None:
        """The number of bytes in the body, if it is announced."""
        lengths = [] if self.all("transfer-encoding") else self.all("content-length")
        return int(lengths[0]) if lengths else None


def leads_to(answer: Answer) -> str | None:
    """Return the Location of a redirect, None for any other answer. Raises NotFetched if a redirect has no Location."""
    if answer.status not in REDIRECTS:
        return None
    if location := answer.value("location"):
        return location
    raise NotFetched(BAD_ANSWER, f"status {answer.status} without a Location")


def check(answer: Answer, max_bytes: int) -> None:
    """Check that an answer has a body that may be an image we may use. Raises NotFetched for any other answer."""
    _check_status(answer.status, answer.reason)
    if denied := denial(answer.all("x-robots-tag")):
        raise NotFetched(ROBOTS, f"X-Robots-Tag: {denied}")
    kind = answer.value("content-type").strip().lower()
    if kind.startswith(NO_IMAGES):
        raise NotFetched(NOT_AN_IMAGE, f"the server says it is {kind[:80]}")
    for header, plain in (("Content-Encoding", ("", "identity")), ("Transfer-Encoding", ("", "identity", "chunked"))):
        if (coding := answer.value(header.lower()).strip().lower()) not in plain:
            raise NotFetched(ENCODED, f"{header}: {coding[:80]}")
    if answer.length is not None and answer.length > max_bytes:
        raise NotFetched(TOO_LARGE, f"{answer.length} bytes, more than {max_bytes}")


def _check_status(status: int, reason: str) -> None:
    if status in WITH_BODY:
        return
    said = f"status {status} {reason[:80]}".strip()
    if 200 <= status < 300:
        raise NotFetched(NOT_AN_IMAGE, f"{said}: an answer without the image")
    word = CLIENT_ERROR if 400 <= status < 500 else SERVER_ERROR if 500 <= status < 600 else BAD_ANSWER
    raise NotFetched(WORDS.get(status, word), said)


def body(response: httpcore.Response, max_bytes: int) -> bytes:
    """Return the complete body. Raises NotFetched; OSError if the connection fails."""
    pieces, size = list[bytes](), 0
    try:
        for piece in response.iter_stream():
            pieces.append(piece)
            size += len(piece)
            if size > max_bytes:
                raise NotFetched(TOO_LARGE, f"more than {max_bytes} bytes")
    except httpcore.RemoteProtocolError as error:  # fewer bytes than announced, or an invalid chunk
        raise NotFetched(CUT_SHORT, f"it broke off after {size} bytes") from error
    if not size:
        raise NotFetched(EMPTY, "an answer without bytes")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def passed_over(answer: Answer, response: httpcore.Response) -> None:
    """Read the rest of an unwanted answer if it is small, so that its connection can be kept."""
    if answer.length is not None and answer.length <= SMALL:
        response.read()
