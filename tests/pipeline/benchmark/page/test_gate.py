"""The gate: each way in which another site, machine or person could speak to the server, and that it is shut."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from world.authoring import paired_run, pairs_of

from pipeline.benchmark.page.app import author_app
from pipeline.benchmark.page.desk import Desk
from pipeline.benchmark.page.gate import Pass, is_loopback
from pipeline.run.run import Run
from stages.author.store import NAME, Store

HERE = "http://127.0.0.1:8765"
WRITE = {"version": 0, "changes": {"decision": "kept"}}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    run = paired_run(tmp_path, 2)
    store = Store(run / NAME)
    yield Desk(Run.open(str(run)), store, "ann")
    store.close()


def client(desk: Desk, given: Pass, base: str = HERE) -> TestClient:
    return TestClient(author_app(desk, given, ("clip", "dino")), base_url=base, follow_redirects=False)


def path_of(desk: Desk) -> str:
    return "/api/pairs/{}/{}".format(*pairs_of(Path(desk.run.url))[0])


def token(given: Pass) -> dict[str, str]:
    return {"X-Blindpairs-Token": given.token}


def test_a_page_of_this_machine_reads_and_writes(desk: Desk) -> None:
    given = Pass.on("127.0.0.1")
    here = client(desk, given)
    assert here.get("/").status_code == 200
    assert here.put(path_of(desk), json=WRITE, headers=token(given) | {"Origin": HERE}).status_code == 200


@pytest.mark.parametrize(
    "name", ["127.0.0.1:8765", "localhost:1234", "[::1]:8765", "LOCALHOST", "127.0.1.1:8765", "127.9.8.7"]
)
def test_it_goes_by_this_machines_names_on_any_port(desk: Desk, name: str) -> None:
    assert client(desk, Pass.on("127.0.0.1")).get("/", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "192.168.1.5", "", "["]
)
def test_another_name_for_this_machine_is_not_answered(desk: Desk, name: str) -> None:
    for path in ("/", "/api/pairs", "/static/main.js"):
        assert client(desk, Pass.on("127.0.0.1")).get(path, headers={"Host": name}).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8765", "http://127.0.0.1:1"])
def test_a_write_from_another_site_is_refused_even_with_the_token(desk: Desk, origin: str) -> None:
    given = Pass.on("127.0.0.1")
    answer = client(desk, given).put(path_of(desk), json=WRITE, headers=token(given) | {"Origin": origin})
    assert answer.status_code == 403
    assert not desk.store.pairs()


@pytest.mark.parametrize("headers", [{}, {"X-Blindpairs-Token": ""}, {"X-Blindpairs-Token": "x" * 43}])
def test_a_write_without_the_pages_token_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    here = client(desk, Pass.on("127.0.0.1"))
    assert here.put(path_of(desk), json=WRITE, headers=headers).status_code == 403
    assert here.post("/api/undo", json={}, headers=headers).status_code == 403
    assert here.post("/api/freeze", json={}, headers=headers).status_code == 403
    assert not desk.store.pairs()


def test_a_form_of_another_site_cannot_write(desk: Desk) -> None:
    answer = client(desk, Pass.on("127.0.0.1")).post(
        "/api/freeze", data={"a": "b"}, headers={"Origin": "http://a.example"}
    )
    assert answer.status_code == 403


def test_a_write_that_is_too_long_is_not_read(desk: Desk) -> None:
    given = Pass.on("127.0.0.1")
    long = {"version": 0, "changes": {"question": "x" * 70_000}}
    assert client(desk, given).put(path_of(desk), json=long, headers=token(given)).status_code == 413


@pytest.mark.parametrize("more", [{}, {"Content-Length": "1"}, {"Content-Length": "60"}])
def test_a_write_in_pieces_is_not_read_whatever_length_it_says(desk: Desk, more: dict[str, str]) -> None:
    given = Pass.on("127.0.0.1")
    headers = token(given) | {"Transfer-Encoding": "chunked", "Content-Type": "application/json"} | more
    answer = client(desk, given).put(path_of(desk), content=json.dumps(WRITE), headers=headers)
    assert (answer.status_code, desk.store.pairs()) == (413, [])


def test_on_another_address_nothing_is_answered_without_the_key_of_the_url(desk: Desk) -> None:
    given = Pass.on("0.0.0.0")
    away = client(desk, given, "http://192.168.1.5:8765")
    photo = f"/photos/{pairs_of(Path(desk.run.url))[0][0]}"
    for path in ("/", "/api/pairs", "/static/main.js", photo, "/?key=", "/?key=wrong"):
        assert away.get(path).status_code == 403
    assert away.put(path_of(desk), json=WRITE, headers=token(given)).status_code == 403


def test_the_key_is_taken_from_the_url_once_and_then_from_a_cookie_no_script_reads(desk: Desk) -> None:
    given = Pass.on("0.0.0.0")
    away = client(desk, given, "http://192.168.1.5:8765")
    first = away.get(f"/?key={given.key}")
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert re.search(r"HttpOnly.*SameSite=lax", first.headers["set-cookie"])
    assert away.get("/").status_code == 200
    assert away.put(path_of(desk), json=WRITE, headers=token(given)).status_code == 200


def test_there_too_a_foreign_name_is_not_answered(desk: Desk) -> None:
    given = Pass.on("0.0.0.0")
    away = client(desk, given, "http://evil.example:8765")
    assert away.get(f"/?key={given.key}").status_code == 421


def test_loopback_asks_for_no_key_and_anything_else_does() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""))
    assert Pass.on("127.0.0.1").key is None
    assert Pass.on("::").key


def test_every_answer_forbids_foreign_scripts_frames_and_sniffing(desk: Desk) -> None:
    here = client(desk, Pass.on("127.0.0.1"))
    for path in ("/", "/api/pairs", "/nothing", "/static/main.js"):
        headers = here.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_there_is_no_page_that_lists_the_routes(desk: Desk) -> None:
    here = client(desk, Pass.on("127.0.0.1"))
    assert {here.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")} == {404}
