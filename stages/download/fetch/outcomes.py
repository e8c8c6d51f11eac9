"""Outcomes: what became of a URL, in one word, what the word means, and when the URL is worth requesting again."""

from __future__ import annotations

from enum import StrEnum

from manifests.errors import BlindpairsError
from manifests.tables import OK
from stages import images

TIMEOUT, SERVER_ERROR, TOO_MANY_REQUESTS, CUT_SHORT = "timeout", "server_error", "too_many_requests", "cut_short"
NOT_FOUND, FORBIDDEN, CLIENT_ERROR, UNKNOWN_HOST = "not_found", "forbidden", "client_error", "unknown_host"
NO_CONNECTION, TLS, BAD_ANSWER, ENCODED = "no_connection", "tls", "bad_answer", "encoded"
TOO_MANY_REDIRECTS = "too_many_redirects"
OPTED_OUT, ROBOTS, BAD_URL, PRIVATE_ADDRESS = "opted_out", "robots", "bad_url", "private_address"
TOO_LARGE, NOT_AN_IMAGE, EMPTY, UNREADABLE = images.TOO_LARGE, images.NOT_AN_IMAGE, images.EMPTY, images.UNREADABLE

SENTENCES = {
    OK: "the image was fetched",
    TIMEOUT: "it did not arrive completely within timeout_s",
    SERVER_ERROR: "the server failed (408, 5xx)",
    TOO_MANY_REQUESTS: "the server asks for fewer requests (429)",
    CUT_SHORT: "the connection ended before the image did",
    NOT_FOUND: "the page is gone (404, 410)",
    FORBIDDEN: "the server does not allow access (401, 402, 403, 451)",
    CLIENT_ERROR: "the server refuses the request (another 4xx)",
    UNKNOWN_HOST: "the host has no known address",
    NO_CONNECTION: "nothing listens at the address, or it cannot be reached",
    TLS: "the server cannot prove who it is, or speaks no TLS",
    BAD_ANSWER: "the response is not valid HTTP",
    ENCODED: "the response is compressed; it is never unpacked",
    TOO_MANY_REDIRECTS: "there are too many redirects, or they form a circle",
    OPTED_OUT: "it is on the opt-out list",
    ROBOTS: "X-Robots-Tag forbids its use",
    BAD_URL: "it is not an http or https URL, or it contains a user or a password",
    PRIVATE_ADDRESS: "it leads to a private network that fetch.allow does not name",
    TOO_LARGE: "it has more bytes than max_bytes, or more pixels than are decoded",
    NOT_AN_IMAGE: "it is not an image, according to the server or by its bytes",
    EMPTY: "the response has no bytes",
    UNREADABLE: "the image cannot be decoded",
    images.TRUNCATED: "the end of the image is missing",
    images.TOO_NARROW: "one side is over 100 times the other",
}


class RetryWhen(StrEnum):
    """When a URL that failed is worth requesting again."""

    NOW = "now"
    LATER = "later"  # after again_after_h
    NEVER = "never"


PASSING = frozenset({TIMEOUT, SERVER_ERROR, TOO_MANY_REQUESTS, CUT_SHORT})
LASTING = frozenset(
    {
        *(NOT_FOUND, FORBIDDEN, CLIENT_ERROR, UNKNOWN_HOST, NO_CONNECTION),
        *(TLS, BAD_ANSWER, ENCODED, TOO_MANY_REDIRECTS),
    }
)


def retry_when(status: str) -> RetryWhen:
    """Return when a failure is worth retrying; NEVER for every word that is not known to pass."""
    if status in PASSING:
        return RetryWhen.NOW
    return RetryWhen.LATER if status in LASTING else RetryWhen.NEVER


class NotFetched(Exception):
    """A URL that gave no image; `status` is one word, the text a sentence. Never leaves the fetch engine."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status, self.sentence = status, sentence

    def __str__(self) -> str:
        return self.status


class TooFewFetched(BlindpairsError):
    """The share of the requested URLs that were fetched is smaller than `min_fetched`."""


class FetchFailed(BlindpairsError):
    """The process that fetches died, or its results are inconsistent."""
