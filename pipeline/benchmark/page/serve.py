"""Serve: `blindpairs author`, which serves a run's page from this machine and prints its URL."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from manifests.errors import Refused, Waiting
from pipeline.benchmark.page.answering import Examination, answer_app
from pipeline.benchmark.page.app import Forms, author_app
from pipeline.benchmark.page.connections import Later, Limits, PatientProtocol
from pipeline.benchmark.page.desk import Desk
from pipeline.benchmark.page.gate import Pass
from pipeline.benchmark.store_path import note_store, store_path
from pipeline.run.run import Run
from stages.author.store import Store
from stages.author.valid_answers import is_asked
from stages.models.chat import Chat
from stages.text import many

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - as a person may ask for it


@dataclass(frozen=True)
class Address:
    """Where the page is served."""

    host: str
    port: int

    def __post_init__(self) -> None:
        if not self.host.strip():
            raise Refused("--host is empty; leave it out for this machine alone, or name an address")

    def url(self, given: Pass) -> str:
        """Return the URL to open; for a server on every address, with this machine's name."""
        named = socket.gethostname() if self.host in EVERYWHERE else self.host
        host = f"[{named}]" if ":" in named else named
        return f"http://{host}:{self.port}/" + (f"?key={given.key}" if given.key else "")


def serve_author(
    run: Run,
    address: Address,
    person: str,
    store: Path | None,
    chat: Chat | None,
    said: Callable[[str], None],
    forms: Forms = lambda version: (),
) -> None:
    """Serve the page of the person who writes, until stopped. Raises Refused, NotCommitted before it starts.

    `forms` returns the formats that a frozen version fits.
    """
    path = store_path(run.folder, store)
    _check_pairs(run, path)
    with closing(_bound(address)) as listening, closing(Store(path)) as opened:
        note_store(run.folder, path)
        person = opened.spelling(person)
        desk, given = Desk(run, opened, person), Pass.on(address.host)
        app = author_app(desk, given, _encoders(run), chat, forms)
        waiting = f"{many(len(desk.queue.pairs), 'pair')} for {person}"
        _serve(
            app, listening, lambda: said(f"{waiting}: {address.url(given)}   (Ctrl-C ends it; all is kept in {path})")
        )


def serve_answers(run: Run, address: Address, person: str, store: Path | None, said: Callable[[str], None]) -> None:
    """Serve the page of the person who answers, until stopped. Raises Refused before it starts."""
    path = store_path(run.folder, store)
    if not path.exists():
        raise Waiting(f"{run} has no questions to answer yet: people write them with `blindpairs author {run}`")
    with closing(_bound(address)) as listening, closing(Store(path)) as opened:
        note_store(run.folder, path)
        person = opened.spelling(person)
        examination, given = Examination(run, opened, person), Pass.on(address.host)
        asked = examination.next()
        if not asked["total"]:
            raise Waiting(f"{run} {_nothing(opened, person)}")
        waiting = f"{asked['total'] - asked['done']:,} of {asked['total']:,} questions for {person}"
        app = answer_app(run, examination, given)
        _serve(
            app, listening, lambda: said(f"{waiting}: {address.url(given)}   (Ctrl-C ends it; all is kept in {path})")
        )


def _check_pairs(run: Run, store: Path) -> None:
    """Raise Refused for a run that has nothing to write about."""
    if run.has("pairs"):
        if not run.manifest("pairs").counts.ok and not store.exists():
            raise Refused(
                f"{run} has no pairs at its thresholds; `blindpairs run` with a higher filter.reference_max, or a "
                "lower filter.blind_min (down to search.min_cosine), makes some: its report says how many each gives"
            )
    elif not store.exists():
        raise Refused(f"{run} has no pairs yet; `blindpairs run` with its recipe makes them")


def _nothing(store: Store, person: str) -> str:
    """Say why there is nothing for this person to answer."""
    others = sum(is_asked(pair) for pair in store.pairs())
    if others:
        return f"asks about {others} pairs, all with words of {person}, who knows the answers: have another answer them"
    return "has no whole question of its benchmark yet: people write them with `blindpairs author`"


def _encoders(run: Run) -> tuple[str, str]:
    """Return the names of the blind and the reference encoder."""
    if not run.has("candidates"):
        return "blind", "reference"
    search = run.manifest("candidates").lineage.settings["search"]
    return search["blind"], search["reference"]


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise Refused(
            f"{address.host}:{address.port} cannot be listened on ({_why(error)}); name another --port, or --host"
        ) from error


def _why(error: OSError) -> str:
    """Return the first words of the error: asyncio's errors add the address a second time."""
    return str(error.strerror or error).split(" (")[0]


def _serve(app: FastAPI, listening: socket.socket, ready: Callable[[], None]) -> None:
    # requests to a model that are still open are abandoned, which is not an error
    logging.getLogger("uvicorn.error").addFilter(lambda said: "graceful shutdown exceeded" not in said.getMessage())
    server_of(app, ready).run([listening])


def server_of(
    app: FastAPI, ready: Callable[[], None], limits: Limits | None = None, later: Later | None = None
) -> uvicorn.Server:
    """Return the server of a page, which calls `ready` once it listens. `later`: as in PatientProtocol."""
    limits = limits or Limits()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    settings = uvicorn.Config(
        app,
        http=cast(Any, partial(PatientProtocol, limits=limits, later=later)),
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=limits.header_bytes,
        timeout_keep_alive=limits.idle_s,
        backlog=limits.connections,  # this many are accepted at once, before any is cut
        timeout_graceful_shutdown=3,
    )
    return Server(settings)
