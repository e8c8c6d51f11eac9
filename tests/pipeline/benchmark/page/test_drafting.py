"""Drafts for a page: never over a person's words, a few at once, and nothing waits for them but who asked."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest
from world.authoring import author, paired_run, pairs_of, written_of
from world.browser import HOST, Program, authoring
from world.chat_server import DRAFT, chat_server, said
from world.processes import PATIENCE_S
from world.routes import author_client

from pipeline.benchmark.page.drafting import AT_ONCE
from stages.models import chat as client
from stages.models.chat import Chat


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return paired_run(tmp_path, AT_ONCE + 2)


class Hanging:
    """A server that takes what it is asked, and never says a word."""

    def __init__(self, listening: socket.socket) -> None:
        listening.settimeout(PATIENCE_S)
        self.url = f"http://{HOST}:{listening.getsockname()[1]}/v1"
        self._listening = listening
        self._held = ExitStack()

    def hears(self, count: int) -> None:
        """Wait until so many more have asked."""
        for _ in range(count):
            self._held.enter_context(closing(self._listening.accept()[0]))

    def close(self) -> None:
        self._listening.close()
        self._held.close()


@contextmanager
def hanging() -> Iterator[Hanging]:
    with closing(Hanging(socket.create_server((HOST, 0)))) as one:
        yield one


class Page:
    """The page of a served run, as a script beside it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=PATIENCE_S, trust_env=False)
        found = re.search(r'data-token="([^"]+)"', self.http.get("/").text)
        assert found
        self.http.headers["X-Blindpairs-Token"] = found[1]

    def draft(self, ids: tuple[str, str]) -> httpx.Response:
        return self.http.post("/api/drafts/{}/{}".format(*ids), json={"version": 0})

    def keep(self, ids: tuple[str, str]) -> httpx.Response:
        write = {"version": 0, "changes": {"decision": "kept"}}
        return self.http.put("/api/pairs/{}/{}".format(*ids), json=write)


def test_words_of_a_person_are_not_written_over(run: Path) -> None:
    author(run, [0], by="bob")
    before = written_of(run)
    with chat_server() as server, author_client(run, Chat(server.url, "made-up")) as page:
        status, told = page.draft(pairs_of(run)[0], 1)
        assert (status, set(told)) == (502, {"error"})
        assert "a person has written of this pair" in told["error"]
        assert server.asked == []
    assert written_of(run) == before


def test_a_draft_may_be_asked_for_again_and_over_a_decision(run: Path) -> None:
    ids, other = pairs_of(run)[0], {**DRAFT, "question": "Is the window open or closed?"}
    with chat_server(said(DRAFT), said(other)) as server, author_client(run, Chat(server.url, "made-up")) as page:
        page.put(ids, 0, decision="kept", pattern="count")
        assert page.draft(ids, 1)[1]["pair"]["written"]["question"] == DRAFT["question"]
        status, told = page.draft(ids, 2)
        assert (status, told["pair"]["written"]["question"]) == (200, other["question"])
        assert (told["pair"]["written"]["decision"], told["pair"]["written"]["draft"]) == ("kept", "made-up")


@pytest.mark.parametrize(("drafted", "kept"), [("", "count"), ("state", "state")])
def test_a_pattern_that_is_there_is_not_taken_away_by_a_draft_without_one(run: Path, drafted: str, kept: str) -> None:
    reply = said({**DRAFT, "pattern": drafted})
    with chat_server(reply) as server, author_client(run, Chat(server.url, "made-up")) as page:
        page.put(pairs_of(run)[0], 0, pattern="count")
        assert page.draft(pairs_of(run)[0], 1)[1]["pair"]["written"]["pattern"] == kept


def test_a_draft_of_what_was_changed_meanwhile_is_a_conflict_and_asks_nobody(run: Path) -> None:
    with chat_server() as server, author_client(run, Chat(server.url, "made-up")) as page:
        page.put(pairs_of(run)[0], 0, decision="kept")
        status, told = page.draft(pairs_of(run)[0], 0)
        assert (status, told["pair"]["written"]["version"]) == (409, 1)
        assert page.draft(("0" * 32, "f" * 32), 0)[0] == 404
        assert server.asked == []


def test_of_a_photo_that_was_changed_no_model_is_asked(run: Path, tmp_path: Path) -> None:
    with chat_server() as server, author_client(run, Chat(server.url, "made-up")) as page:
        for path in (tmp_path / "made-photos").iterdir():
            path.write_bytes(path.read_bytes()[::-1])
        status, told = page.draft(pairs_of(run)[0], 0)
        assert (status, server.asked) == (502, [])
        assert "could not be read any more" in told["error"]
        assert "its bytes were changed since the run read it" in told["error"]


@pytest.mark.slow
def test_drafts_that_hang_keep_no_page_and_no_save_from_being_answered(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "sleep", lambda seconds: None)  # their threads end with the test
    monkeypatch.setattr(client, "TIMEOUT_S", PATIENCE_S)
    ids = pairs_of(run)
    with ThreadPoolExecutor() as pool, hanging() as silent, authoring(run, chat=Chat(silent.url, "made-up")) as url:
        page = Page(url)
        waiting = [pool.submit(page.draft, one) for one in ids[:AT_ONCE]]
        silent.hears(AT_ONCE)
        assert page.http.get("/").status_code == 200
        assert page.http.get(f"/photos/{ids[0][0]}").status_code == 200
        assert [page.keep(one).status_code for one in ids[:2]] == [200, 200]
        refused = page.draft(ids[AT_ONCE])
        assert (refused.status_code, refused.json()) == (
            502,
            {"error": f"{AT_ONCE} drafts are being waited for; ask again when one is there"},
        )
        assert not any(one.done() for one in waiting)
    assert [one.result().status_code for one in waiting] == [502] * AT_ONCE  # the server ended before they came
    assert written_of(run).draft == written_of(run).question == ""


def test_ctrl_c_while_a_draft_is_waited_for_ends_the_server_soon_and_in_one_line(run: Path) -> None:
    with hanging() as silent, ThreadPoolExecutor() as pool:
        server = Program(run, "--draft", silent.url, "--model", "made-up")
        server.start()
        try:
            waiting = pool.submit(Page(server.url).draft, pairs_of(run)[0])
            silent.hears(1)
            code, errors = server.end(signal.SIGINT)
        finally:
            server.kill()
    assert code == 130
    assert (
        errors == "blindpairs: stopped; everything that was written is kept; run the same command again to continue\n"
    )
    # answered or cut off, and the model's own time was not waited for
    assert "did not answer within" not in str(waiting.exception() or waiting.result().text)
