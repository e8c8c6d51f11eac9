"""The routes of one who answers: each question once, nothing of what is right, and no answer to another question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from world.authoring import author, paired_run
from world.routes import Client, answer_client

from stages.author.store import NAME, Store


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return paired_run(tmp_path, 6)


@pytest.fixture
def blind(run: Path) -> Iterator[Client]:
    author(run, range(3))
    with answer_client(run) as client:
        yield client


def chosen(view: dict[str, Any], letter: str) -> dict[str, Any]:
    question = view["question"]
    return {name: question[name] for name in ("left_id", "right_id", "side", "asked")} | {"chosen": letter}


def test_a_second_person_answers_every_question_once(blind: Client, run: Path) -> None:
    view, seen = blind.start(), []
    assert (view["done"], view["total"]) == (0, 6)
    while view["question"]:
        seen.append((view["question"]["left_id"], view["question"]["side"]))
        status, view = blind.post("/api/answers", chosen(view, "a"))
        assert status == 200
    assert (len(set(seen)), view["done"]) == (6, 6)
    with closing(Store(run / NAME)) as store:
        assert {one.person for one in store.answers()} == {"bob"}


def test_their_page_says_nothing_of_what_is_right(blind: Client) -> None:
    text = blind.http.get("/").text
    assert not any(word in text for word in ("left_answer", "statement", "cosine"))
    for path in ("/api/pairs", "/api/progress"):
        assert blind.http.get(path).status_code == 404
    assert blind.post("/api/undo")[0] == 404
    assert blind.post("/api/freeze")[0] == 404


def test_they_may_go_back_to_the_last_answer(blind: Client, run: Path) -> None:
    first = blind.start()
    blind.post("/api/answers", chosen(first, "a"))
    _, again = blind.post("/api/answers/back")
    assert again["question"] == first["question"]
    blind.post("/api/answers", chosen(again, "b"))
    with closing(Store(run / NAME)) as store:
        assert [one.chosen for one in store.answers()] == ["b"]


def test_an_answer_to_words_that_changed_meanwhile_does_not_count(blind: Client, run: Path) -> None:
    view = blind.start()
    with closing(Store(run / NAME)) as store:
        pair = store.pair(view["question"]["left_id"], view["question"]["right_id"])
        store.change(pair, {"question": "Another?"}, "ann")
        status, told = blind.post("/api/answers", chosen(view, "a"))
        assert (status, store.answers()) == (409, [])
    assert "changed" in told["error"]
    assert told["next"]["question"]


@pytest.mark.parametrize("odd", [{"chosen": "c"}, {"side": "top"}, {"person": "eve"}, {"left_id": "0" * 32}])
def test_an_odd_answer_is_not_kept(blind: Client, run: Path, odd: dict[str, str]) -> None:
    assert blind.post("/api/answers", chosen(blind.start(), "a") | odd)[0] in (409, 422)
    with closing(Store(run / NAME)) as store:
        assert store.answers() == []


def test_an_answer_that_no_page_sends_is_refused_and_not_sent_back(blind: Client) -> None:
    answer = blind.http.post("/api/answers", json=chosen(blind.start(), "a") | {"side": "a secret"})
    assert (answer.status_code, set(answer.json())) == (422, {"error"})
    assert "secret" not in answer.text


def test_who_ever_wrote_words_of_a_question_is_not_asked_it(blind: Client, run: Path) -> None:
    assert blind.start()["total"] == 6
    author(run, [0], by="Bob ", question="Is it bob's?")
    author(run, [0], by="ann", question="Is it ann's again?")
    assert blind.start()["total"] == 4
