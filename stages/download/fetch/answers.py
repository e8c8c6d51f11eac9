"""Answers: whether what a server says is an image for us, judged by its headers before its body is read."""

from __future__ import annotations

from http.client import HTTPResponse, IncompleteRead

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
PIECE = 1 << 20  # bytes read at once
SMALL = 4096  # bytes of a body nobody wants that are read all the same, to keep the connection


def leads_to(answer: HTTPResponse) -> str | None:
    """The Location of a redirect, None for any other answer. Raises NotFetched where there is none."""
    if answer.status not in REDIRECTS:
        return None
    if location := answer.getheader("Location"):
        return location
    raise NotFetched(BAD_ANSWER, f"status {answer.status} without a Location")


def check(answer: HTTPResponse, max_bytes: int) -> None:
    """Raises NotFetched for every answer but one with a body that may be an image we may have."""
    _check_status(answer.status, answer.reason)
    if denied := denial(answer.headers.get_all("X-Robots-Tag", [])):
        raise NotFetched(ROBOTS, f"X-Robots-Tag: {denied}")
    kind = (answer.getheader("Content-Type") or "").strip().lower()
    if kind.startswith(NO_IMAGES):
        raise NotFetched(NOT_AN_IMAGE, f"the server says it is {kind[:80]}")
    for header, plain in (("Content-Encoding", ("", "identity")), ("Transfer-Encoding", ("", "identity", "chunked"))):
        if (coding := (answer.getheader(header) or "").strip().lower()) not in plain:
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


def body(answer: HTTPResponse, max_bytes: int) -> bytes:
    """The whole body. Raises NotFetched; OSError and HTTPException where the connection fails."""
    announced, pieces, size = answer.length, list[bytes](), 0
    try:
        while piece := answer.read(PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > max_bytes:
                raise NotFetched(TOO_LARGE, f"more than {max_bytes} bytes")
    except (IncompleteRead, ValueError) as error:  # a chunk that ends early, or whose length is none
        raise NotFetched(CUT_SHORT, f"it broke off after {size} bytes") from error
    if announced is not None and size < announced:
        raise NotFetched(CUT_SHORT, f"{size} of {announced} bytes came")
    if not size:
        raise NotFetched(EMPTY, "an answer without bytes")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def passed_over(answer: HTTPResponse) -> bool:
    """Whether the rest of an unwanted answer was small and is read, so that its connection can be kept."""
    if answer.length is None or answer.length > SMALL:
        return False
    answer.read(SMALL)
    return answer.isclosed()
