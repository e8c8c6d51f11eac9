"""The routes: what a page reads and writes, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from world.authoring import author, paired_run, pairs_of
from world.routes import Client, author_client

from pipeline.benchmark.page.desk import SHOWS
from pipeline.benchmark.page.views import photo_view
from pipeline.benchmark.photos import Photo
from stages.author.answers import Answer, asked
from stages.author.store import NAME, Store


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return paired_run(tmp_path, 6, captions={5: "a caption of its own"})


@pytest.fixture
def page(run: Path) -> Iterator[Client]:
    with author_client(run) as client:
        yield client


def test_a_window_goes_through_the_whole_queue_in_either_direction(page: Client, run: Path) -> None:
    there = page.get("/api/pairs", after=-1, count=50)
    places = [pair["place"] for pair in there["pairs"]]
    assert (places, there["matching"]) == (list(range(6)), 6)
    assert {(pair["left_id"], pair["right_id"]) for pair in there["pairs"]} == set(pairs_of(run))
    assert [pair["place"] for pair in page.get("/api/pairs", before=3, count=2)["pairs"]] == [2, 1]
    assert page.get("/api/pairs", after=3, count=1) | {"pairs": []} == {"pairs": [], "matching": 6, "before": 4}


def test_a_change_is_kept_and_comes_back_with_the_progress(page: Client, run: Path) -> None:
    ids = pairs_of(run)[0]
    status, told = page.put(ids, 0, decision="kept", question="  Open  or\nclosed? ")
    assert status == 200
    assert told["pair"]["written"]["question"] == "Open or closed?"
    assert told["pair"]["written"]["author"] == "ann"
    assert told["pair"]["lacks"] == ["option a", "option b", "the right answer"]
    assert told["pair"]["whole"] is False
    assert not {"writers", "place", "first", "left_id"} & set(told["pair"]["written"])
    assert (told["progress"]["kept"], told["progress"]["unfinished"], told["progress"]["whole"]) == (1, 1, 0)
    status, told = page.put(ids, 1, option_a="Open", option_b="Closed", left_answer="a")
    assert (told["pair"]["lacks"], told["pair"]["whole"], told["progress"]["whole"]) == ([], True, 1)


def test_questions_and_statements_of_a_pattern_are_counted_apart(page: Client, run: Path) -> None:
    asks = {"question": "How many?", "option_a": "One", "option_b": "Two", "left_answer": "a"}
    _, told = page.put(pairs_of(run)[0], 0, decision="kept", pattern="count", **asks)
    assert told["progress"]["patterns"]["count"] == {"asked": 1, "stated": 0}


def test_a_statement_pair_under_a_pattern_counts_for_its_pattern(page: Client, run: Path) -> None:
    _, told = page.put(
        pairs_of(run)[0], 0, decision="kept", pattern="count", left_statement="1 cup", right_statement="2 cups"
    )
    assert told["pair"]["lacks"] == []
    assert (told["progress"]["whole"], told["progress"]["patterns"]["count"]["stated"]) == (0, 1)


def test_the_later_of_two_writers_is_told_and_nothing_is_lost(page: Client, run: Path) -> None:
    ids = pairs_of(run)[0]
    page.put(ids, 0, question="first")
    status, told = page.put(ids, 0, question="second")
    assert status == 409
    assert "ann" in told["error"]
    assert told["pair"]["written"]["question"] == "first"
    assert page.put(ids, told["pair"]["written"]["version"], question="second")[0] == 200


def test_what_another_process_wrote_is_seen_at_once(page: Client, run: Path) -> None:
    assert page.get("/api/pairs", show="kept")["matching"] == 0
    author(run, [0, 1], by="bob")
    assert page.get("/api/pairs", show="kept")["matching"] == 2


def test_undo_takes_back_ones_own_changes_one_by_one(page: Client, run: Path) -> None:
    first, second = pairs_of(run)[:2]
    page.put(first, 0, decision="kept")
    page.put(second, 0, decision="rejected")
    author(run, [2], by="bob")
    for ids in (second, first):
        status, told = page.post("/api/undo")
        assert (status, told["pair"]["left_id"], told["pair"]["written"]["decision"]) == (200, ids[0], "open")
    status, told = page.post("/api/undo")
    assert (status, told["pair"], told["changed"]) == (200, None, False)
    assert page.get("/api/pairs", show="kept")["matching"] == 1


def test_each_filter_shows_what_it_says(page: Client, run: Path) -> None:
    author(run, [0])
    with closing(Store(run / NAME)) as store:
        pair = store.pair(*pairs_of(run)[0])
        wrong = "b" if pair.left_answer == "a" else "a"
        store.answer(Answer(pair.left_id, pair.right_id, "left", "bob", wrong, asked(pair), "now"))
    for place, decision in ((1, "kept"), (2, "rejected"), (3, "duplicate")):
        page.put(pairs_of(run)[place], 0, decision=decision)
    found = {show: page.get("/api/pairs", show=show)["matching"] for show in SHOWS}
    assert found == {"all": 6, "open": 2, "kept": 2, "unfinished": 1, "rejected": 1, "duplicate": 1, "missed": 1} | {
        "unlisted": 0
    }
    assert page.get("/api/pairs", show="missed")["pairs"][0]["missed"] == ["bob"]


def test_search_finds_captions_labels_ids_and_written_words(page: Client, run: Path) -> None:
    page.put(pairs_of(run)[2], 0, question="Which umbrella?")
    for words in ("a caption of its OWN", "UMBRELLA which", pairs_of(run)[3][0]):
        assert page.get("/api/pairs", search=words)["matching"] == 1
    assert page.get("/api/pairs", search="zebra")["matching"] == 0


def test_freezing_makes_a_version_and_says_when_nothing_changed(page: Client, run: Path) -> None:
    status, told = page.post("/api/freeze")
    assert status == 409
    assert "because no pair is kept" in told["error"]
    author(run, [0, 1])
    status, told = page.post("/api/freeze")
    assert (status, told["version"], told["questions"], told["new"]) == (200, 1, 4, True)
    assert (told["progress"]["frozen"], told["progress"]["changed"]) == (1, False)
    assert page.post("/api/freeze")[1]["new"] is False
    assert page.put(pairs_of(run)[4], 0, decision="kept")[1]["progress"]["changed"] is True


def test_a_whole_question_with_a_begun_statement_counts_and_is_shown_as_unfinished(page: Client, run: Path) -> None:
    question = {"question": "Open?", "option_a": "Yes", "option_b": "No", "left_answer": "a"}
    _, told = page.put(pairs_of(run)[0], 0, decision="kept", left_statement="an open door", **question)
    assert told["pair"]["lacks"] == ["the right statement", "a pattern for its statements"]
    assert (told["pair"]["whole"], told["progress"]["whole"], told["progress"]["unfinished"]) == (True, 1, 1)


def test_the_page_names_the_run_as_it_was_typed(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)
    with author_client(Path(run.name)) as client:
        assert 'data-run="made"' in client.http.get("/").text


def test_a_class_is_shown_by_its_name_where_it_has_one() -> None:
    one = Photo("id", "s", "k", "uri", 0, 1, "", 1, 1, "JPEG", label="n01558993")
    assert photo_view(one)["label"] == "n01558993"
    assert photo_view(replace(one, class_name="robin"))["label"] == "robin"
