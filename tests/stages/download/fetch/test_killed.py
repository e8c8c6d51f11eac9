"""Kill -9, Ctrl-C, and two processes at once: real processes, and the server's log as the witness."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import psutil
import pytest
from world.pictures import jpeg
from world.processes import PATIENCE_S, until
from world.web import Site, web

from stages.download.fetch.fetching import fetched
from stages.download.fetch.settings import FetchSettings
from stages.download.fetch.slots import Slots

THREADS = 4
HOW = {
    "contact": "me@example.org",
    "allow": ["127.0.0.2"],
    "threads": THREADS,
    "per_host": THREADS,
    "timeout_s": PATIENCE_S,
}
SCRIPT = """
import json, sys
from pathlib import Path
from stages.download.fetch.fetching import fetched
from stages.download.fetch.settings import FetchSettings
from stages.download.fetch.slots import Slots
if __name__ == "__main__":
    urls, how, folder = json.loads(sys.argv[1])
    fetched(urls, FetchSettings(**how), None, Path(folder), Path(folder) / "journal", 0.1)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with web(tmp_path) as started:
        yield started


def started(urls: list[str], folder: Path, **how: Any) -> psutil.Popen:
    folder.mkdir(exist_ok=True)
    words = [sys.executable, "-c", SCRIPT, json.dumps([urls, {**HOW, **how}, str(folder)])]
    return psutil.Popen(words, stderr=subprocess.PIPE, text=True)


def asked(site: Site) -> Counter[str]:
    return Counter(site.url(one.path[1:]) for one in site.log())


def journaled(path: Path) -> set[str]:
    """The URLs of whole entries, read by what the module says of its form alone."""
    data, found = path.read_bytes(), set()
    while data:
        head, line, rest = data.partition(b"\n")
        if not line or len(rest) < json.loads(head)["length"]:
            break
        found.add(json.loads(head)["url"])
        data = rest[json.loads(head)["length"] :]
    return found


def test_after_any_kill_only_what_was_on_its_way_is_asked_again(site: Site, tmp_path: Path) -> None:
    """At the first kill all threads wait for what the site holds as "a", at the second for "b"."""
    good = ["good"] * 6 + ["held/a"] * THREADS + ["good"] * 2 + ["held/b"] * THREADS + ["good"] * 2
    kinds = [kind for both in zip(good, ["status/404"] * len(good), strict=True) for kind in both]
    urls = [site.url(f"{kind}/{place // 2}.jpg") for place, kind in enumerate(kinds)]
    folder = tmp_path / "fetch"

    parent = started(urls, folder)
    until(lambda: site.under_way("held") == THREADS)
    (child,) = parent.children()
    child.kill()
    _, said = parent.communicate(timeout=PATIENCE_S)
    assert "FetchFailed: the process that fetches was killed by signal 9" in said
    first = journaled(folder / "journal")
    assert len(first) > 6

    site.let("a")
    parent = started(urls, folder)
    until(lambda: site.under_way("held/b") == THREADS)
    (child,) = parent.children()
    parent.kill()
    child.wait(timeout=PATIENCE_S)  # it notices by itself
    parent.wait()
    second, asked_then = journaled(folder / "journal"), asked(site)
    assert first < second < set(urls)

    site.let("b")
    rows = fetched(urls, FetchSettings(**HOW), None, folder, folder / "journal", 0.1).to_pylist()
    assert Counter(row["status"] for row in rows) == {"ok": len(good), "not_found": len(good)}
    assert asked(site).keys() == set(urls)
    assert asked(site).total() <= len(urls) + 2 * THREADS
    assert {asked(site)[url] for url in first} == {1}
    assert {asked(site)[url] - asked_then[url] for url in second} == {0}

    with tarfile.open(folder / "images.tar") as archive:
        held = {member.name: archive.extractfile(member).read() for member in archive if ".jpg" in member.name}
    came = {row["key"]: row["sha256"] for row in rows if row["status"] == "ok"}
    assert held == {f"{row['key']}.jpg": jpeg(place // 2) for place, row in enumerate(rows) if row["status"] == "ok"}
    assert came == {name.removesuffix(".jpg"): hashlib.sha256(data).hexdigest() for name, data in held.items()}


def test_ctrl_c_leaves_no_process_behind(site: Site, tmp_path: Path) -> None:
    parent = started([site.url(f"hang/{number}.jpg") for number in range(4)], tmp_path / "fetch")
    until(lambda: len(site.log()) == 4)
    (child,) = parent.children()
    for process in (parent, child):  # a terminal sends it to both
        process.send_signal(signal.SIGINT)
    _, said = parent.communicate(timeout=PATIENCE_S)
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_processes_share_the_slots_of_a_host(site: Site, tmp_path: Path) -> None:
    how = FetchSettings(**{**HOW, "per_host": 2, "threads": 8})
    urls = [site.url(f"{'slow' if number < 4 else 'held/a'}/{number}.jpg") for number in range(12)]
    with ThreadPoolExecutor(1) as aside:
        with Slots(how.per_host).one(f"{site.host}:{site.port}"):  # this process asks, too
            fetching = aside.submit(fetched, urls, how, None, tmp_path, tmp_path / "journal", 1)
            until(lambda: site.under_way("held/a") or fetching.done())
            early = site.log()
        until(lambda: site.under_way("held/a") == 2 or fetching.done())
        site.let("a")
        fetching.result(PATIENCE_S)
    assert {one.at_once for one in early} == {1}
    assert max(one.at_once for one in site.log()) == 2


def test_a_thread_waits_for_no_slot_that_its_own_process_holds(tmp_path: Path) -> None:
    """Two slots, one held by another process (or as if): both our threads get their turn once that one is free."""
    ours, theirs = Slots(2, tmp_path), Slots(2, tmp_path)
    for _ in range(20):
        both = Barrier(2)

        def asks(both: Barrier = both) -> None:
            with ours.one("a"):
                both.wait(PATIENCE_S)  # neither leaves before the other has its slot

        with ThreadPoolExecutor(2) as threads:
            with theirs.one("a"):
                asking = [threads.submit(asks) for _ in range(2)]
                until(lambda both=both: both.n_waiting)
            for one in asking:
                one.result(PATIENCE_S)
