"""Exchange: one request over one connection, and what came of it, within a deadline."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException

from stages.download.fetch.answers import body, check, leads_to, passed_over
from stages.download.fetch.connections import Connection, Connections
from stages.download.fetch.manners import user_agent
from stages.download.fetch.outcomes import BAD_ANSWER, CUT_SHORT, TIMEOUT, TLS, NotFetched
from stages.download.fetch.settings import FetchSettings
from stages.download.fetch.targets import Target
from stages.download.fetch.watchdog import Watch, Watchdog
from stages.images import OF_THE_MACHINE


class Ended(Exception):
    """A connection kept from before had ended when it was to be used again, which is no failure of the host."""


@dataclass(frozen=True)
class Got:
    """What an exchange gave: an image's bytes, or where they are to be had; `whole`: the connection is free again."""

    data: bytes = b""
    location: str | None = None
    whole: bool = False


class Exchange:
    """Requests of any number of threads."""

    def __init__(self, settings: FetchSettings, connections: Connections, clock: Callable[[], float]) -> None:
        self._settings, self._connections = settings, connections
        self._clock, self._watchdog = clock, Watchdog(clock)
        agent = user_agent(settings.contact)
        self._headers = {"User-Agent": agent, "Accept": "image/*,*/*;q=0.1", "Accept-Encoding": "identity"}

    def ask(self, here: Target, connection: Connection, deadline: float) -> Got:
        """Ask for `here`; the connection is kept or closed then.

        Raises NotFetched, Ended; OSError where this machine lacks something.
        """
        watch = Watch(connection.sock, deadline)
        try:
            connection.sock.settimeout(max(deadline - self._clock(), 0.001))
            with self._watchdog.over(watch):
                got = self._told(here, connection)
        except Exception as error:
            connection.close()
            if watch.expired or isinstance(error, TimeoutError):
                raise self._late() from error
            raise
        if watch.expired:  # a body without a length ends where the connection does
            connection.close()
            raise self._late()
        if got.whole:
            self._connections.keep(here, connection)
        else:
            connection.close()
        return got

    def _late(self) -> NotFetched:
        return NotFetched(TIMEOUT, f"it did not come whole within {self._settings.timeout_s:g} s")

    def _told(self, here: Target, connection: Connection) -> Got:
        """Any failure as NotFetched or Ended, but TimeoutError, and an OSError that is this machine's."""
        try:
            return self._exchanged(here, connection)
        except TimeoutError:
            raise
        except ssl.SSLError as error:
            raise NotFetched(CUT_SHORT, f"{here.site}: {error}") from error
        except OSError as error:  # RemoteDisconnected, which is an HTTPException too, among them
            if error.errno in OF_THE_MACHINE:
                raise
            raise NotFetched(CUT_SHORT, f"{here.site} ended the connection: {error}") from error
        except (HTTPException, ValueError) as error:
            raise NotFetched(BAD_ANSWER, f"{here.site}: {type(error).__name__} {str(error)[:100]}") from error

    def _exchanged(self, here: Target, connection: Connection) -> Got:
        self._shake_hands(here, connection)
        try:
            connection.request("GET", here.path, headers={"Host": here.site, **self._headers})
            answer = connection.getresponse()
        except ConnectionError as error:
            if connection.used:
                raise Ended from error
            raise
        if location := leads_to(answer):
            return Got(location=location, whole=passed_over(answer) and not answer.will_close)
        check(answer, self._settings.max_bytes)
        return Got(body(answer, self._settings.max_bytes), whole=not answer.will_close)

    def _shake_hands(self, here: Target, connection: Connection) -> None:
        if connection.used or not isinstance(connection.sock, ssl.SSLSocket):
            return
        try:
            connection.sock.do_handshake()
        except ssl.SSLError as error:
            raise NotFetched(TLS, f"{here.site}: {error}") from error
