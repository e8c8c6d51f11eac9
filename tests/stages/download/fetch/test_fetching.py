"""Fetching a list of URLs from a web that misbehaves: one outcome each, a tar of what came, nothing asked twice."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from world.patient import patient
from world.pictures import encoded, jpeg, picture
from world.processes import PATIENCE_S
from world.web import Site, web

from manifests.errors import Refused
from stages.download.fetch.fetching import fetched
from stages.download.fetch.outcomes import SENTENCES, TooFewFetched
from stages.download.fetch.settings import FetchSettings

GOOD = [
    "good",
    "large",
    "png",
    "plain",
    "slow",
    "chunked",
    "until-closed",
    "traversal",
    "grüße",
    "undecodable",
    "hops/3",
]
BAD = {
    "hang": "timeout",
    "drip-headers": "timeout",
    "drip-body": "timeout",
    "drip-open": "timeout",
    "loop": "too_many_redirects",
    "hops/6": "too_many_redirects",
    "nowhere": "bad_answer",
    "html": "not_an_image",
    "page": "not_an_image",
    "rubbish": "not_an_image",
    "status/204": "not_an_image",
    "cut": "cut_short",
    "broken-chunk": "cut_short",
    "odd-chunk": "cut_short",
    "gone": "cut_short",
    "gzip": "encoded",
    "huge": "too_large",
    "endless": "too_large",
    "bomb": "too_large",
    "empty": "empty",
    "noai": "robots",
    "noai-hidden": "robots",
    "wide-header": "bad_answer",
    "no-http": "bad_answer",
    "status/400": "client_error",
    "status/418": "client_error",
    "status/429": "too_many_requests",
    **{f"status/{code}": "forbidden" for code in (401, 402, 403, 451)},
    **{f"status/{code}": "server_error" for code in (408, 500, 503)},
    **{f"status/{code}": "not_found" for code in (404, 410)},
    "to/1?http://127.0.0.1:1/": "private_address",
    "to/1?file:///etc/passwd": "bad_url",
    "to/1?http://[::ffff:127.0.0.1]/": "private_address",
    "to/1?http://0x7f000001/": "private_address",
}
ELSEWHERE = {
    "file:///etc/passwd": "bad_url",
    "ftp://127.0.0.2/a.jpg": "bad_url",
    "no url at all": "bad_url",
    "": "bad_url",
    "http://me:secret@127.0.0.2/a.jpg": "bad_url",
    "http://127.0.0.1:1/a.jpg": "private_address",
    "http://169.254.169.254/latest/meta-data/": "private_address",
    "http://localhost:1/a.jpg": "private_address",
    "http://no-such-host.invalid/a.jpg": "unknown_host",
}
LISTED, LISTED_BYTES = "good/x/../caf%c3%a9/%7e(900).jpg", "good/901.jpg"
LISTED_AS = "good/caf\u00e9/~%28900%29.jpg"


def settings(**values: Any) -> FetchSettings:
    always = {"contact": "me@example.org", "allow": ("127.0.0.2",), "per_host": 64, "timeout_s": PATIENCE_S}
    values = {**always, **values}
    return FetchSettings.model_validate(values)


@dataclass(frozen=True)
class World:
    """One fetch of everything, seen from all sides."""

    site: Site
    folder: Path
    urls: list[str]
    rows: list[dict[str, Any]]
    members: dict[str, bytes]

    def row(self, path: str) -> dict[str, Any]:
        return self.rows[self.urls.index(self.site.url(path))]

    def image(self, path: str) -> bytes:
        return self.members[f"{self.row(path)['key']}.jpg"]


def members(tar: Path) -> dict[str, bytes]:
    with tarfile.open(tar) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with web(tmp_path_factory.mktemp("web")) as started:
        yield started


def address(kind: str) -> str:
    return kind if "?" in kind else f"{kind}/1.jpg"


@pytest.fixture(scope="module")
def world(site: Site, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("fetch")
    (folder / "scratch").mkdir()
    listed = hashlib.sha256(jpeg(901)).hexdigest()
    (folder / "opt_out.txt").write_text(f"# owners' wishes\n\n{site.url(LISTED_AS)}\n{listed.upper()}\n")
    urls = [site.url(address(kind)) for kind in (*GOOD, *BAD)] + [*ELSEWHERE, site.url(LISTED), site.url(LISTED_BYTES)]
    urls.append(urls[0])
    how = settings(timeout_s=0.5, max_bytes=20 << 20, opt_out=str(folder / "opt_out.txt"))
    with patient():
        table = fetched(urls, how, None, folder / "scratch", folder / "journal", 0.1)
    return World(site, folder, urls, table.to_pylist(), members(folder / "scratch" / "images.tar"))


@pytest.mark.parametrize("kind", BAD)
def test_every_misbehaviour_has_its_word(world: World, kind: str) -> None:
    row = world.row(address(kind))
    assert row["status"] == BAD[kind], row
    assert row["status"] in SENTENCES
    assert row["error"].isprintable()


@pytest.mark.parametrize("url", ELSEWHERE)
def test_what_leads_out_of_the_public_web_is_not_asked(world: World, url: str) -> None:
    assert world.rows[world.urls.index(url)]["status"] == ELSEWHERE[url]


@pytest.mark.parametrize("kind", GOOD)
def test_an_image_lies_in_the_tar_as_it_was_served(world: World, kind: str) -> None:
    row, image = world.row(address(kind)), world.image(address(kind))
    assert (row["status"], row["error"]) == ("ok", None)
    assert row["sha256"] == hashlib.sha256(image).hexdigest()
    if kind not in ("large", "png", "undecodable"):
        assert image == jpeg(1)


def test_the_tar_holds_what_is_ok_and_nothing_else_under_names_that_are_numbers(world: World) -> None:
    keys = {row["key"] for row in world.rows if row["status"] == "ok"}
    assert set(world.members) == {f"{key}.{ending}" for key in keys for ending in ("jpg", "json")}
    assert all(key.isdigit() for key in keys)
    told = json.loads(world.members[f"{world.row('good/1.jpg')['key']}.json"])
    assert told["url"] == world.site.url("good/1.jpg")


def test_a_url_named_twice_is_asked_once_and_has_one_key(world: World) -> None:
    assert world.rows[-1] == world.rows[0]
    assert world.site.asked("good/1.jpg") == 1
    assert len({row["key"] for row in world.rows}) == len(world.rows) - 1


def test_what_opted_out_is_not_asked_and_its_bytes_are_nowhere(world: World) -> None:
    assert [world.row(path)["status"] for path in (LISTED, LISTED_BYTES)] == ["opted_out", "opted_out"]
    assert not [one for one in world.site.log() if "900" in one.path]
    journal = (world.folder / "journal").read_bytes()
    assert jpeg(1) in journal
    assert jpeg(901) not in journal
    assert jpeg(901) not in world.members.values()


def test_every_request_says_who_asks(world: World) -> None:
    agents = {one.agent for one in world.site.log()}
    assert len(agents) == 1
    assert agents.pop().endswith(" (+me@example.org)")


def test_a_second_start_asks_nobody(world: World) -> None:
    asked = len(world.site.log())
    how = settings(max_bytes=20 << 20, opt_out=str(world.folder / "opt_out.txt"))
    again = fetched(world.urls, how, None, world.folder / "scratch", world.folder / "journal", 0.1).to_pylist()
    assert len(world.site.log()) == asked
    assert _untimed(again[:-1]) == _untimed(world.rows[:-1])
    assert members(world.folder / "scratch" / "images.tar").keys() == world.members.keys()


def _untimed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The URLs on the opt-out list are judged anew at each start."""
    return [{**row, "asked_at": None} if row["status"] == "opted_out" else row for row in rows]


def test_images_are_brought_to_size_without_padding_and_never_enlarged(site: Site, tmp_path: Path) -> None:
    urls = [site.url(path) for path in ("png/1.png", "large/1.jpg", "good/1.jpg", "undecodable/1.png", "empty/2.jpg")]
    rows = fetched(urls, settings(), 100, tmp_path, tmp_path / "journal", 0.1).to_pylist()
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "unreadable", "empty"]
    held = members(tmp_path / "images.tar")
    images = [held[f"{row['key']}.jpg"] for row in rows[:3]]
    sizes = [Image.open(BytesIO(image)).size for image in images]
    assert sizes == [(160, 100), (143, 100), (24, 16)]
    assert images[2] == jpeg(1)
    assert rows[0]["sha256"] == hashlib.sha256(encoded(picture(1, 640, 400), "PNG")).hexdigest()
    assert len(held) == 6


def test_a_shard_of_which_too_little_came_fails_and_asks_only_for_the_rest_again(site: Site, tmp_path: Path) -> None:
    good = [f"good/{number}.jpg" for number in (500, 501)]
    flaky = [f"flaky/{number}.jpg" for number in range(500, 508)]
    urls = [site.url(path) for path in (*good, *flaky, "noai/500.jpg")]
    words = (urls, settings(), None, tmp_path, tmp_path / "journal")
    with pytest.raises(TooFewFetched, match=r"2 of 10 URLs .*min_fetched \(0.9\): 8 server_error") as failed:
        fetched(*words, 0.9)
    assert failed.value.exit_code == 1
    rows = fetched(*words, 0.9).to_pylist()
    assert Counter(row["status"] for row in rows) == {"ok": 10, "robots": 1}
    assert [site.asked(path) for path in (*good, *flaky, "noai/500.jpg")] == [1] * 2 + [2] * 8 + [2]


def test_no_urls_are_a_tar_of_nothing(tmp_path: Path) -> None:
    table = fetched([], settings(), None, tmp_path, tmp_path / "journal", 1)
    assert (table.num_rows, table.column_names) == (0, ["key", "status", "error", "sha256", "asked_at"])
    assert members(tmp_path / "images.tar") == {}


def test_settings_that_do_not_read_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("http://a/1\nnonsense\n")
    for wrong in ({"opt_out": str(tmp_path / "list")}, {"allow": ("a b",)}):
        with pytest.raises(Refused):
            fetched(["http://127.0.0.2:1/"], settings(**wrong), None, tmp_path, tmp_path / "journal", 0)


def test_a_full_disk_is_the_machines_failure_and_no_urls(site: Site, tmp_path: Path) -> None:
    """As `RLIMIT_FSIZE`, which the system treats alike: a write takes a part, the next none."""
    script = f"""
import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
from pathlib import Path
from stages.download.fetch.fetching import fetched
from stages.download.fetch.settings import FetchSettings
how = FetchSettings(contact="me@example.org", allow=("127.0.0.2",))
try: fetched({[site.url(f"large/{number}.jpg") for number in range(8)]}, how, None, Path({str(tmp_path)!r}),
             Path({str(tmp_path / "journal")!r}), 0)
except OSError as error: print("errno", error.errno)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stdout.strip() == "errno 27", ended.stderr


def test_without_the_guard_img2dataset_fetches_nothing(site: Site, tmp_path: Path) -> None:
    """Its own way to the web leads nowhere: so what the other tests saw came through the guard."""
    asked = len(site.log())
    script = f"""
from pathlib import Path
from stages.download.fetch import engine
engine.run([{site.url("good/1.jpg")!r}], Path({str(tmp_path)!r}), None, 2, print)
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert json.loads((tmp_path / "0_stats.json").read_text())["failed_to_download"] == 1
    assert len(site.log()) == asked
