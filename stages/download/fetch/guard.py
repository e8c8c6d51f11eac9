"""Guard: what stands in for urllib's opener, so that every byte img2dataset gets came under our rules.

img2dataset is given numbers for URLs, at a host that cannot be (RFC 6761: `.invalid`). The guard alone knows
which URL a number stands for: should img2dataset ever go round it, nothing at all is fetched.
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
    """What img2dataset is told the URL of that number is."""
    return f"{STAND_IN}{number}"


class Fetched(io.BytesIO):
    """An image, as img2dataset takes it. Its headers are judged already, and there are none for one kept before."""

    headers = Message()


class Guard:
    """An opener for `urllib.request.install_opener`. Any number of threads."""

    def __init__(
        self,
        urls: Sequence[str],
        ask: Callable[[str], bytes],
        journal: Journal,
        opted: OptOut,
        fail: Callable[[BaseException], None],
    ) -> None:
        """`fail` is told what is neither an image nor a reason for none, and ends the process."""
        self._urls, self._ask, self._journal, self._opted, self._fail = urls, ask, journal, opted, fail
        self.outcomes: dict[str, Outcome] = {}

    def open(self, request: Request, data: object = None, timeout: object = None) -> Fetched:
        """The bytes for a stand-in. Raises NotFetched, which is all that img2dataset writes down."""
        try:
            return self._opened(self._urls[int(request.full_url.removeprefix(STAND_IN))])
        except NotFetched:
            raise
        except BaseException as error:
            self._fail(error)  # img2dataset would take it for one more URL that could not be had
            raise

    def _opened(self, url: str) -> Fetched:
        outcome, data = self._outcome(url)
        self.outcomes[url] = outcome
        if outcome.status != OK:
            raise NotFetched(outcome.status, outcome.error or outcome.status)
        return Fetched(data)

    def _outcome(self, url: str) -> tuple[Outcome, bytes]:
        """From the journal if it is there; what the opt-out list says comes first, for it may be newer."""
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
