"""Asking: one URL in, its bytes out, every hop of it under all rules.

A hop is one request to one host. Redirects are followed here, each target checked as the first one was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from stages.download.fetch.addresses import Allowed
from stages.download.fetch.connections import Connections
from stages.download.fetch.exchange import Ended, Exchange, Got
from stages.download.fetch.opt_out import OptOut
from stages.download.fetch.outcomes import OPTED_OUT, TOO_MANY_REDIRECTS, NotFetched
from stages.download.fetch.settings import FetchSettings
from stages.download.fetch.slots import Slots
from stages.download.fetch.targets import Target, led_to, target


class Asker:
    """Asks for URLs, any number of threads at once. `clock`: seconds, by which answers are late."""

    def __init__(self, settings: FetchSettings, opted: OptOut, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._opted, self._slots = settings, opted, Slots(settings.per_host)
        self._clock, self._connections = clock, Connections(Allowed(settings.allow), clock)
        self._exchange = Exchange(settings, self._connections, clock)

    def ask(self, url: str) -> bytes:
        """The bytes as served. Raises NotFetched where there are none for us; OSError as Exchange does."""
        here, seen, left_s = target(url), set[str](), self._settings.timeout_s
        for _ in range(self._settings.redirects + 1):
            self._check_unseen(here, seen)
            with self._slots.one(here.site):
                began = self._clock()  # waiting for one's turn does not count
                got = self._hop(here, began + left_s)
            left_s -= self._clock() - began
            if got.location is None:
                return got.data
            here = led_to(here, got.location)
        raise NotFetched(TOO_MANY_REDIRECTS, f"more than {self._settings.redirects}, the next to {here}")

    def _check_unseen(self, here: Target, seen: set[str]) -> None:
        if here.key in self._opted.urls:
            raise NotFetched(OPTED_OUT, f"{here} stands on the opt-out list")
        if str(here) in seen:  # not by key: sites lead from one spelling to the one they prefer
            raise NotFetched(TOO_MANY_REDIRECTS, f"it leads back to {here}")
        seen.add(str(here))

    def _hop(self, here: Target, deadline: float) -> Got:
        if kept := self._connections.kept(here):
            with suppress(Ended):
                return self._exchange.ask(here, kept, deadline)
        return self._exchange.ask(here, self._connections.opened(here, deadline), deadline)
