"""A small web of images for tests: a real server in a process of its own, on loopback, that behaves as its paths say.

    with web(tmp_path) as site:                 # on 127.0.0.2: 127.0.0.1 can then be what nobody allowed
        site.url("good/12.jpg")                 # a small JPEG, jpeg(12) of world.pictures
        site.url("status/404/3.jpg")            # any status
        site.log()                              # what was asked so far, one Asked a request
        site.asked("flaky/1.jpg")               # how often this path was asked
        site.url("held/a/1.jpg")                # does not come before
        site.let("a")

Names before the first "/", each with any number after it (world/web_process.py says what they do): good, large
(about 100 KB, no two the same), photo (of the folder `shared`, if there is one), png (640 x 400), plain (no
Content-Type), slow (0.3 s), held/NAME, chunked, until-closed,
status/CODE, flaky (500, then good), hang, drip-headers, drip-body, drip-open, loop, hops/N, to?URL,
respelled (leads from %28 to a parenthesis),
nowhere, html, page (HTML called JPEG), cut, broken-chunk, odd-chunk, gzip, huge (50 MB), endless (50 MB
unannounced), noai, noai-hidden, wide-header, empty, rubbish, bomb (12,000 x 12,000), undecodable, gone, no-http,
traversal (a file name that climbs). What is none of these (grüße/1.jpg) is good.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

SCRIPT = Path(__file__).with_name("web_process.py")


@dataclass(frozen=True)
class Asked:
    """A request: `path` as sent, seconds since the epoch, whether all of the answer was handed to the network.

    `at_once`: requests of its kind under way when it began, itself included. `ended`: None while it goes on.
    """

    place: int
    path: str
    agent: str
    host: str
    at_once: int
    began: float
    ended: float | None = None
    finished: bool = False


@dataclass(frozen=True)
class Site:
    """Where the server listens, and what it wrote down."""

    host: str
    port: int
    journal: Path
    scheme: str = "http"

    def url(self, path: str) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/{path}"

    def log(self) -> list[Asked]:
        """Every request so far, in the order they came; one is here before its answer begins."""
        told: dict[int, dict[str, Any]] = {}
        for line in map(json.loads, self.journal.read_text().split("\n")[:-1]):
            told.setdefault(line["place"], {}).update(line)
        return [Asked(**told[place]) for place in sorted(told)]

    def asked(self, path: str) -> int:
        """How often."""
        return sum(one.path == "/" + quote(path, safe="/%?=&") for one in self.log())

    def under_way(self, kind: str) -> int:
        """How many requests of this kind wait for their answer."""
        return sum(one.path.startswith(f"/{kind}/") and one.ended is None for one in self.log())

    def let(self, name: str) -> None:
        """Answer what is held by this name."""
        self.journal.with_name(f"{self.journal.name}-{name}").touch()


@contextmanager
def web(folder: Path, host: str = "127.0.0.2", certificate: Path | None = None) -> Iterator[Site]:
    """A server on `host`, any address of 127/8; `certificate`: a PEM with its key, and it speaks TLS."""
    journal = folder / f"web-{host}{'-tls' if certificate else ''}.log"
    journal.touch()
    words = [sys.executable, str(SCRIPT), host, str(journal), str(certificate or "")]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Site(host, int(process.stdout.readline()), journal, "https" if certificate else "http")
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
