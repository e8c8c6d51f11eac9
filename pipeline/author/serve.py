"""Serve: `blindpairs author`, which opens a run's page on this machine and says where."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.author.answering import Examination, answer_app
from pipeline.author.app import author_app
from pipeline.author.desk import Desk
from pipeline.author.gate import Pass
from pipeline.author.queue import read_queue
from pipeline.benchmark.versions import store_path
from pipeline.drafts.client import Chat
from pipeline.runs import run_folder
from stages.author.store import Store


@dataclass(frozen=True)
class Address:
    """Where the page is served."""

    host: str
    port: int

    def url(self, given: Pass) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?key={given.key}" if given.key else "")


def serve_author(
    run: str, address: Address, person: str, store: Path | None, chat: Chat | None, said: Callable[[str], None]
) -> None:
    """Serve the page of one who writes, until it is stopped. Raises Refused, NotCommitted before it starts."""
    folder = run_folder(run)
    path = store_path(folder, store)
    _check_pairs(folder, path)
    with closing(Store(path)) as opened, closing(_bound(address)) as listening:
        desk, given = Desk(folder, opened, person), Pass.on(address.host)
        app = author_app(desk, given, _encoders(folder), chat)
        waiting = f"{len(desk.queue.pairs):,} pairs for {person}"
        _serve(
            app, listening, lambda: said(f"{waiting}: {address.url(given)}   (Ctrl-C ends it; all is kept in {path})")
        )


def serve_answers(run: str, address: Address, person: str, store: Path | None, said: Callable[[str], None]) -> None:
    """Serve the page of one who answers, until it is stopped. Raises Refused before it starts."""
    folder = run_folder(run)
    path = store_path(folder, store)
    if not path.exists():
        raise Refused(f"{run} has no questions to answer yet; people write them with `blindpairs author {run}`")
    with closing(Store(path)) as opened, closing(_bound(address)) as listening:
        examination, given = Examination(read_queue(folder, opened.pairs()), opened, person), Pass.on(address.host)
        asked = examination.next()
        waiting = f"{asked['total'] - asked['done']:,} of {asked['total']:,} questions for {person}"
        app = answer_app(folder.name, examination, given)
        _serve(
            app, listening, lambda: said(f"{waiting}: {address.url(given)}   (Ctrl-C ends it; all is kept in {path})")
        )


def _check_pairs(run: Folder, store: Path) -> None:
    """Raise Refused for a run that has nothing to write about."""
    if (run / "pairs").has(COMMIT):
        if not Manifest.open(run / "pairs").counts.ok and not store.exists():
            raise Refused(
                f"{run.url} has no pairs at its thresholds; `blindpairs run` with a lower filter.blind_min or a higher "
                "filter.reference_max makes some, and its report says how many each would give"
            )
    elif not store.exists():
        raise Refused(f"{run.url} has no pairs yet; `blindpairs run` with its recipe makes them")


def _encoders(run: Folder) -> tuple[str, str]:
    """What the blind encoder and the reference are called."""
    if not (run / "candidates").has(COMMIT):
        return "blind", "reference"
    search = Manifest.open(run / "candidates").lineage.settings["search"]
    return search["blind"], search["reference"]


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise Refused(
            f"{address.host}:{address.port} cannot be listened on ({error.strerror or error}); name another --port, or "
            "end what has it"
        ) from error


def _serve(app: FastAPI, listening: socket.socket, ready: Callable[[], None]) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3
    )
    Server(settings).run([listening])
