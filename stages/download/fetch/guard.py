"""Guard: the replacement for urllib's opener, so that every byte img2dataset gets is fetched under our rules.

img2dataset is given numbers for URLs, at a host that cannot exist (RFC 6761: `.invalid`). Only the guard knows
which URL a number represents: if img2dataset ever bypasses it, nothing at all is fetched.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import Message
from urllib.request import Request

from manifests.tables import OK
from stages import images
from stages.download.fetch.journal import Journal, Outcome
from stages.download.fetch.opt_out import OptOut
from stages.download.fetch.outcomes import OPTED_OUT, NotFetched
from stages.download.fetch.targets import url_key

STAND_IN = "http://blindpairs.invalid/"


def stand_in(number: int) -> str:
    """Return the URL that img2dataset is given for that number."""
    return f"{STAND_IN}{number}"


class Fetched(io.BytesIO):
    """An image in the form img2dataset takes. Its headers were judged already; an image kept from before has none."""

    headers = Message()


class Guard:
    """An opener for `urllib.request.install_opener`, for any number of threads."""

    def __init__(
        self,
        urls: Sequence[str],
        ask: Callable[[str], bytes],
        journal: Journal,
        opted: OptOut,
        fail: Callable[[BaseException], None],
    ) -> None:
        """`fail` is called for any error that is not a reason for there being no image, and ends the process."""
        self._urls, self._ask, self._journal, self._opted, self._fail = urls, ask, journal, opted, fail
        self.outcomes: dict[str, Outcome] = {}

    def open(self, request: Request, data: object = None, timeout: object = None) -> Fetched:
        """Return the bytes for a stand-in. Raises NotFetched, which is all that img2dataset records."""
        try:
            return self._opened(self._urls[int(request.full_url.removeprefix(STAND_IN))])
        except NotFetched:
            raise
        except BaseException as error:
            self._fail(error)  # img2dataset would take it for one more URL that could not be fetched
            raise

    def _opened(self, url: str) -> Fetched:
        outcome, data = self._outcome(url)
        self.outcomes[url] = outcome
        if outcome.status != OK:
            raise NotFetched(outcome.status, outcome.error or outcome.status)
        return Fetched(data)

    def _outcome(self, url: str) -> tuple[Outcome, bytes]:
        """Return the outcome, from the journal if it is there; the opt-out list comes first: it may be newer."""
        if self._opted.urls and url_key(url) in self._opted.urls:
            return Outcome(url, OPTED_OUT, "the URL stands on the opt-out list", None, _now()), b""
        known = self._journal.known.get(url)
        if known and (kept := self._journal.data(known)) is not None:
            return self._unless_opted(known, kept)
        outcome, data = self._unless_opted(*self._asked(url))
        self._journal.add(outcome, data)
        return outcome, data

    def _asked(self, url: str) -> tuple[Outcome, bytes]:
        at, digest = _now(), None
        try:
            data = self._ask(url)
            digest = hashlib.sha256(data).hexdigest()
            images.header(data)
        except (NotFetched, images.ImageRefused) as error:
            sentence = " ".join(error.sentence.split())  # it may quote what a server sent
            return Outcome(url, error.status, sentence, digest, at), b""
        return Outcome(url, OK, None, digest, at, len(data)), data

    def _unless_opted(self, outcome: Outcome, data: bytes) -> tuple[Outcome, bytes]:
        if outcome.sha256 not in self._opted.sha256:
            return outcome, data
        sentence = "the image's sha256 stands on the opt-out list"
        return Outcome(outcome.url, OPTED_OUT, sentence, outcome.sha256, outcome.asked_at), b""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
