"""Failures: what a server's error means: try again, this question cannot be answered, or stop altogether."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifests.errors import BlindpairsError, Refused
from manifests.evaluation_tables import FAILED, REFUSED
from manifests.parsing import parse_json
from stages.models.answering.base import Reply

TOO_MANY = 429
TRANSIENT = (408, 409, 425, TOO_MANY)  # and every status from 500
# how servers name a content policy's refusal: OpenAI, Azure, and Alibaba's and OpenRouter's hosted models
POLICY = ("content_filter", "content_policy", "responsibleaipolicy", "invalid_prompt", "data_inspection_failed")
QUOTA = ("insufficient_quota", "billing_hard_limit")  # a 429 that no waiting helps
ADDRESS = "check the URL (it often ends in /v1) and the model's name"


class Transient(BlindpairsError):
    """A failure that may pass if the request is sent again.

    `after_s`: seconds the server wants to be left alone; `throttled`: it was asked too much; `settled`: the reply, if
    it stays so.
    """

    def __init__(
        self, sentence: str, after_s: float | None = None, *, throttled: bool = False, settled: Reply | None = None
    ) -> None:
        super().__init__(sentence)
        self.after_s, self.throttled, self.settled = after_s, throttled, settled


def reply_for_error(status: int, body: bytes, sentence: str, after_s: float | None, key_remedy: str) -> Reply:
    """Return the reply to a question that a server does not answer, for a status that is not 200.

    A content policy's refusal is `refused`, another error about this one request `failed`. Raises Transient if asking
    again may help; Refused if no question would be answered: wrong key, URL or model, or nothing paid.
    """
    names = " ".join(_names(body)).lower()
    if status < 500 and any(policy in names for policy in POLICY):
        return Reply(None, REFUSED, error=sentence)
    if any(quota in names for quota in QUOTA):
        raise Refused(f"{sentence}; check the account that the key belongs to")
    if status in TRANSIENT or status >= 500:
        raise Transient(sentence, after_s, throttled=status == TOO_MANY or (status == 503 and after_s is not None))
    if remedy := _remedy(status, key_remedy):
        raise Refused(f"{sentence}; {remedy}")
    return Reply(None, FAILED, error=sentence)


def _remedy(status: int, key_remedy: str) -> str:
    """Return what to do about a status that every request would get; empty for others."""
    known = {401: key_remedy, 402: "check the account that the key belongs to", 403: key_remedy}
    return known.get(status, ADDRESS if status < 400 or status in (404, 405) else "")


def _names(body: bytes) -> Iterator[str]:
    """Yield the words by which an error is named: `code` and `type`, also Azure's inner error and OpenRouter's."""
    try:
        value = parse_json(body)
    except ValueError:
        return
    error: Any = value.get("error", value) if isinstance(value, dict) else None
    inner = [error, *(error.get(key) for key in ("innererror", "metadata"))] if isinstance(error, dict) else []
    for one in inner:
        if isinstance(one, dict):
            yield from (str(one[key]) for key in ("code", "type") if key in one)
            yield from ("content_filter" for key in ("flagged_input",) if key in one)
