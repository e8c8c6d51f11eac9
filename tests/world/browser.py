"""A real browser (Debian's Chromium, driven by Playwright), and the authors' pages served to it.

A server of most tests is a thread of this process; one that is to be killed is a process of its own.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from world.authoring import image_row, pair_row, paired_run, photo
from world.commands import started
from world.committed import committed
from world.pages import PATIENCE_MS, Writing
from world.processes import PATIENCE_S, until

from manifests.storage import Folder
from manifests.tables import IMAGES, PAIRS
from pipeline.benchmark.page.answering import Examination, answer_app
from pipeline.benchmark.page.app import author_app
from pipeline.benchmark.page.desk import Desk
from pipeline.benchmark.page.gate import Pass
from pipeline.cli.formats import forms_of_version
from pipeline.run.run import Run
from stages.author.store import NAME, Store
from stages.models.chat import Chat

HOST = "127.0.0.1"
Opened = Callable[..., Page]  # HTML, width, script=, at= -> the page, opened from a file


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Chromium without a window. Where there is none a test skips, and fails on a build server (CI).

    Open it for one file of tests at most: until it is closed nothing else in this thread can use asyncio.
    """
    if (chromium := shutil.which("chromium")) is None:
        missing = "there is no `chromium` on this machine: install Debian's package of that name"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"], timeout=PATIENCE_MS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _served(app: Any) -> Iterator[str]:
    """The URL of an app that a thread serves until the end."""
    with closing(socket.create_server((HOST, 0))) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        until(lambda: server.started)
        yield f"http://{HOST}:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


@contextmanager
def authoring(run: Path, person: str = "ann", chat: Chat | None = None) -> Iterator[str]:
    """The URL of a run's page for one who writes."""
    with closing(Store(run / NAME)) as store:
        desk = Desk(Run.open(str(run)), store, person)
        forms = partial(forms_of_version, desk.run)
        with _served(author_app(desk, Pass.on(HOST), ("clip", "dino"), chat, forms)) as url:
            yield url


@contextmanager
def answering(run: Path, person: str) -> Iterator[str]:
    """The URL of a run's page for one who answers."""
    with closing(Store(run / NAME)) as store:
        folder = Folder(str(run))
        with _served(answer_app(Run(folder), Examination(Run(folder), store, person), Pass.on(HOST))) as url:
            yield url


@contextmanager
def tabs(browser: Browser, root: Path) -> Iterator[Callable[..., Writing]]:
    """What opens the page of a new run of so many pairs; nothing may have gone wrong in it at the end."""
    opened: list[Writing] = []
    with ExitStack() as stack:

        def tab(pairs: int, **more: Any) -> Writing:
            run = paired_run(root, pairs, captions={0: "a crow on a wire"})
            url = stack.enter_context(authoring(run, **more))
            context = browser.new_context()
            stack.callback(context.close)
            opened.append(Writing(context, url))
            return opened[-1]

        yield tab
    assert [complaint for one in opened for complaint in one.complaints] == []


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


class Program:
    """`blindpairs author` in a process of its own, at one address, that can be killed and started again."""

    def __init__(self, run: Path, *more: str) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}/"
        self._words = ("author", str(run), "--name", "ann", "--port", str(self.port), *more)

    def start(self) -> None:
        self._process = started(*self._words)
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert self.url in line, line + self.kill()

    def end(self, by: signal.Signals) -> tuple[int, str]:
        """End it as a person does; its exit code, and what it said on stderr."""
        self._process.send_signal(by)
        _, errors = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode, errors

    def kill(self) -> str:
        """End it as a power cut would; what it complained of."""
        self._process.kill()
        return self._process.communicate()[1]


@contextmanager
def program(run: Path) -> Iterator[Program]:
    """The program, started, and gone at the end."""
    one = Program(run)
    one.start()
    try:
        yield one
    finally:
        one.kill()


def crowded_run(root: Path, pairs: int, *, name: str, drawn: Callable[[int], bytes] = photo) -> Path:
    """A run of many pairs of few images, each two of which are one: quickly made at any size."""
    (photos := root / f"{name}-photos").mkdir(parents=True)
    count = next(number for number in itertools.count() if number * (number - 1) // 2 >= pairs)
    rows = [_row(photos, number, drawn(number)) for number in range(count)]
    every = itertools.islice(itertools.combinations([row["image_id"] for row in rows], 2), pairs)
    found = [pair_row(ids, rank, rank) for rank, ids in enumerate(every, 1)]
    committed(root / name / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))
    committed(root / name / "pairs", PAIRS, pa.Table.from_pylist(found, schema=PAIRS.columns))
    return root / name


def _row(folder: Path, number: int, data: bytes) -> dict[str, Any]:
    """The images table's row of these bytes, which are written as a file."""
    row = image_row(folder, number)
    Path(row["uri"]).write_bytes(data)
    with Image.open(io.BytesIO(data)) as image:
        size = {"width": image.width, "height": image.height}
    return row | size | {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
