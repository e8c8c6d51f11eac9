"""What becomes of requests that no page sends: nothing is written, and nothing is read but the photos of the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from world.authoring import paired_run, pairs_of, photo
from world.routes import Client, author_client

from manifests.manifest import Manifest
from manifests.storage import Folder
from stages.author.store import NAME, Store

NASTY = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>&amp;\u2028'


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return paired_run(tmp_path, 6, captions={0: NASTY})


@pytest.fixture
def page(run: Path) -> Iterator[Client]:
    with author_client(run) as client:
        yield client


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": "perhaps"},
        {"pattern": "smell"},
        {"left_answer": "c"},
        {"question": "x" * 501},
        {"author": "eve"},
        {"place": "1"},
    ],
)
def test_what_no_pair_can_be_is_refused_in_a_sentence(page: Client, run: Path, changes: dict[str, str]) -> None:
    status, told = page.put(pairs_of(run)[0], 0, **changes)
    assert status == 422
    assert len(told["error"]) > 20
    assert page.get("/api/pairs", show="open")["matching"] == 6


def test_a_pair_or_image_that_is_not_in_the_run_is_not_found(page: Client, run: Path) -> None:
    (one, other), (third, _) = pairs_of(run)[:2]
    for ids in (("0" * 32, "f" * 32), (other, one), tuple(sorted((one, third))), ("..", "x"), ("%2e%2e", "%2fetc")):
        assert page.put(ids, 0, decision="kept")[0] in (404, 405)
    with closing(Store(run / NAME)) as store:
        assert store.pairs() == []


@pytest.mark.parametrize(
    "path",
    [
        *("/photos/0", "/photos/..%2f..%2fetc%2fpasswd", "/photos/%2fetc%2fpasswd", "/photos/made/00000.jpg"),
        *(
            "/static/../gate.py",
            "/static/..%2fgate.py",
            "/static/%2fetc%2fpasswd",
            "/static/gate.py",
            "/../../etc/passwd",
        ),
        *("/photos/", "/_author.sqlite", "/static/", "/templates/author.html.j2"),
    ],
)
def test_no_path_of_a_request_reaches_the_disk(page: Client, path: str) -> None:
    assert page.http.get(path).status_code == 404


def test_photos_are_those_of_the_run_and_of_a_pair(page: Client, run: Path) -> None:
    rows = {row["image_id"]: row["key"] for row in Manifest.open(Folder(str(run / "images"))).read("00000").to_pylist()}
    image_id = pairs_of(run)[0][0]
    answer = page.http.get(f"/photos/{image_id}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == photo(int(rows[image_id]))


def test_an_image_that_has_vanished_is_said_so_and_its_pair_can_still_be_rejected(page: Client, run: Path) -> None:
    image_id = pairs_of(run)[0][0]
    for path in (run.parent / "made-photos").iterdir():
        path.unlink()
    answer = page.http.get(f"/photos/{image_id}")
    assert answer.status_code == 410
    assert "could not be read any more" in answer.json()["error"]
    assert page.put(pairs_of(run)[0], 0, decision="rejected")[0] == 200


@pytest.mark.parametrize("data", [photo(99), b"no image"], ids=["another photo", "garbage"])
def test_an_image_that_was_changed_is_said_to_be_lost_and_never_shown(page: Client, run: Path, data: bytes) -> None:
    for path in (run.parent / "made-photos").iterdir():
        path.write_bytes(data.ljust(path.stat().st_size, b"\0"))
    answer = page.http.get(f"/photos/{pairs_of(run)[0][0]}")
    assert answer.status_code == 410
    assert "could not be read any more" in answer.json()["error"]
    assert "its bytes were changed since the run read it" in answer.json()["error"]


def test_words_with_html_are_data_in_the_page_and_never_markup(page: Client, run: Path) -> None:
    page.put(pairs_of(run)[1], 0, question=NASTY)
    text = page.http.get("/").text
    assert "<img src=x" not in text
    assert "</script><script>" not in text
    assert "alert(2)" in text
    captions = [pair[side]["caption"] for pair in page.start()["window"]["pairs"] for side in ("left", "right")]
    assert NASTY in captions


def test_characters_that_steer_what_comes_after_them_are_shown_as_signs(tmp_path: Path) -> None:
    codes = (*range(32), *range(127, 160), 0x202E, 0x2066)
    evil = "".join(map(chr, codes))
    run = paired_run(tmp_path / "evil", 1, name="run\x1b[31m\u202e\x9b", captions={0: evil, 1: "one"})
    with author_client(run) as client:
        sent = [client.http.get(path).text for path in ("/", "/api/pairs?count=9")]
        words = json.dumps(client.start()["window"], ensure_ascii=False)
    assert {one for text in (*sent, words) for one in text if ord(one) in codes} <= {"\t", "\n"}
    assert "\\u0000" not in sent[0]
    assert "␀␁␂" in words


@pytest.mark.parametrize(
    "body",
    [
        {"version": "0", "changes": {"question": "a secret"}},
        {"version": 0, "changes": {"question": 7}, "secret": 1},
        {"changes": {}},
        ["secret"],
    ],
)
def test_a_body_that_no_page_sends_is_refused_and_not_sent_back(page: Client, run: Path, body: Any) -> None:
    answer = page.http.put("/api/pairs/{}/{}".format(*pairs_of(run)[0]), json=body)
    assert (answer.status_code, set(answer.json())) == (422, {"error"})
    assert "secret" not in answer.text
