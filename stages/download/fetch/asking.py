"""Asking: one URL in, its bytes out, with all rules applied to every hop.

A hop is one request to one host. Redirects are followed here, and each target is checked like the first one.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import suppress

import httpcore

from stages.download.fetch.addresses import Allowed
from stages.download.fetch.answers import Answer, body, check, leads_to, passed_over
from stages.download.fetch.connections import Connections, Stale, origin_of
from stages.download.fetch.manners import user_agent
from stages.download.fetch.opt_out import OptOut
from stages.download.fetch.outcomes import (
    BAD_ANSWER,
    CUT_SHORT,
    OPTED_OUT,
    TIMEOUT,
    TOO_MANY_REDIRECTS,
    NotFetched,
)
from stages.download.fetch.settings import FetchSettings
from stages.download.fetch.slots import Slots
from stages.download.fetch.targets import Target, led_to, target
from stages.images import OF_THE_MACHINE


class Asker:
    """Requests URLs, for any number of threads at once. `clock`: seconds, by which answers are late."""

    def __init__(self, settings: FetchSettings, opted: OptOut, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._opted, self._slots = settings, opted, Slots(settings.per_host)
        self._clock, self._connections = clock, Connections(Allowed(settings.allow), clock)
        agent = user_agent(settings.contact)
        self._headers: dict[bytes | str, bytes | str] = {
            "User-Agent": agent,
            "Accept": "image/*,*/*;q=0.1",
            "Accept-Encoding": "identity",
        }

    def ask(self, url: str) -> bytes:
        """Return the bytes as served.

        Raises NotFetched if there are none for us; OSError if this machine lacks something (memory, sockets).
        """
        here, seen, left_s = target(url), set[str](), self._settings.timeout_s
        for _ in range(self._settings.redirects + 1):
            self._check_unseen(here, seen)
            with self._slots.one(here.site):
                began = self._clock()  # waiting for one's turn does not count
                got = self._hop(here, began + left_s)
            left_s -= self._clock() - began
            if isinstance(got, bytes):
                return got
            here = led_to(here, got)
        raise NotFetched(TOO_MANY_REDIRECTS, f"more than {self._settings.redirects}, the next to {here}")

    def _check_unseen(self, here: Target, seen: set[str]) -> None:
        if here.key in self._opted.urls:
            raise NotFetched(OPTED_OUT, f"{here} stands on the opt-out list")
        if str(here) in seen:  # not by key: sites redirect from one spelling to the one they prefer
            raise NotFetched(TOO_MANY_REDIRECTS, f"it leads back to {here}")
        seen.add(str(here))

    def _hop(self, here: Target, deadline: float) -> bytes | str:
        """Make one hop; return an image's bytes, or the location to request next."""
        if kept := self._connections.kept(here):
            with suppress(Stale):  # it could not be used again, which is not a failure of the host
                return self._tried(here, kept, deadline)
        try:
            return self._tried(here, self._connections.new(here), deadline)
        except Stale as error:
            raise NotFetched(CUT_SHORT, f"{here.site}: {error}") from error

    def _tried(self, here: Target, connection: httpcore.HTTPConnection, deadline: float) -> bytes | str:
        """Make one request, raising any failure as NotFetched, except Stale and an OSError of this machine."""
        try:
            return self._exchanged(here, connection, deadline)
        except TimeoutError as error:
            late = f"it did not come whole within {self._settings.timeout_s:g} s"
            raise NotFetched(TIMEOUT, late) from error
        except (httpcore.ProtocolError, ValueError) as error:
            raise NotFetched(BAD_ANSWER, f"{here.site}: {type(error).__name__} {str(error)[:100]}") from error
        except Stale:
            raise
        except ssl.SSLError as error:
            raise NotFetched(CUT_SHORT, f"{here.site}: {error}") from error
        except OSError as error:
            if error.errno in OF_THE_MACHINE:
                raise
            raise NotFetched(CUT_SHORT, f"{here.site} ended the connection: {error}") from error

    def _exchanged(self, here: Target, connection: httpcore.HTTPConnection, deadline: float) -> bytes | str:
        """Make one request over this connection, which is then kept or closed."""
        try:
            response = connection.handle_request(self._request(here, deadline))
            try:
                answer = Answer.of(response)
                if location := leads_to(answer):
                    passed_over(answer, response)
                    return location
                check(answer, self._settings.max_bytes)
                return body(response, self._settings.max_bytes)
            finally:
                response.close()
        finally:
            self._connections.keep(here, connection)

    def _request(self, here: Target, deadline: float) -> httpcore.Request:
        origin = origin_of(here)
        url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=here.path.encode())
        moments = dict.fromkeys(("connect", "read", "write"), deadline)
        headers = {"Host": here.site, **self._headers}
        return httpcore.Request("GET", url, headers=headers, extensions={"timeout": moments})
