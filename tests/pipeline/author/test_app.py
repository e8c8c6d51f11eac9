"""The routes: what a page may read and write, and what becomes of requests that ask for anything else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from world.authoring import author, paired_run, pairs_of, photo

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.author.answering import Examination, answer_app
from pipeline.author.app import author_app
from pipeline.author.desk import SHOWS, Desk
from pipeline.author.gate import Pass
from pipeline.author.queue import read_queue
from stages.author.answers import Answer, asked
from stages.author.store import NAME, Store

HERE = "http://127.0.0.1:8765"
NASTY = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>&amp;\u2028'


class Client:
    """A page as the server sees it."""

    def __init__(self, app: Any, given: Pass) -> None:
        self.http = TestClient(app, base_url=HERE, headers={"X-Blindpairs-Token": given.token})

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, ids: tuple[str, str], version: int, **changes: str) -> tuple[int, Any]:
        answer = self.http.put("/api/pairs/{}/{}".format(*ids), json={"version": version, "changes": changes})
        return answer.status_code, answer.json()

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.http.post(path, json=body or {})
        return answer.status_code, answer.json()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return paired_run(tmp_path, 6, captions={0: NASTY, 5: "a caption of its own"})


@pytest.fixture
def page(run: Path) -> Iterator[Client]:
    with closing(Store(run / NAME)) as store:
        given = Pass.on("127.0.0.1")
        yield Client(author_app(Desk(Folder(str(run)), store, "ann"), given, ("clip", "dino")), given)


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
    assert told["pair"]["lacks"] == ["option a", "option b", "which option is right"]
    assert (told["progress"]["kept"], told["progress"]["unfinished"], told["progress"]["whole"]) == (1, 1, 0)
    status, told = page.put(ids, 1, option_a="Open", option_b="Closed", left_answer="a")
    assert (told["pair"]["lacks"], told["progress"]["whole"]) == ([], 1)


def test_a_statement_pair_under_a_pattern_counts_for_its_pattern(page: Client, run: Path) -> None:
    _, told = page.put(
        pairs_of(run)[0], 0, decision="kept", pattern="count", left_statement="1 cup", right_statement="2 cups"
    )
    assert told["pair"]["lacks"] == []
    assert (told["progress"]["whole"], told["progress"]["patterns"]["count"]) == (0, 1)


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


def test_undo_takes_back_ones_own_changes_one_by_one(page: Client, run: Path) -> None:
    first, second = pairs_of(run)[:2]
    page.put(first, 0, decision="kept")
    page.put(second, 0, decision="rejected")
    author(run, [2], by="bob")
    for ids in (second, first):
        status, told = page.post("/api/undo")
        assert (status, told["pair"]["left_id"], told["pair"]["written"]["decision"]) == (200, ids[0], "open")
    assert page.post("/api/undo") == (200, {"pair": None, "progress": page.post("/api/undo")[1]["progress"]})
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
    assert found == {"all": 6, "open": 2, "kept": 2, "unfinished": 1, "rejected": 1, "duplicate": 1, "missed": 1}
    assert page.get("/api/pairs", show="missed")["pairs"][0]["missed"] == ["bob"]


def test_search_finds_captions_labels_ids_and_written_words(page: Client, run: Path) -> None:
    page.put(pairs_of(run)[2], 0, question="Which umbrella?")
    for words in ("a caption of its OWN", "UMBRELLA which", pairs_of(run)[3][0]):
        assert page.get("/api/pairs", search=words)["matching"] == 1
    assert page.get("/api/pairs", search="zebra")["matching"] == 0


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


def test_words_with_html_are_data_in_the_page_and_never_markup(page: Client, run: Path) -> None:
    page.put(pairs_of(run)[1], 0, question=NASTY)
    text = page.http.get("/").text
    assert "<img src=x" not in text
    assert "</script><script>" not in text
    assert "alert(2)" in text
    start = json.loads(re.search(r'<script[^>]*id="start"[^>]*>(.*?)</script>', text, re.DOTALL)[1])
    captions = [pair[side]["caption"] for pair in start["window"]["pairs"] for side in ("left", "right")]
    assert NASTY in captions


def test_a_forgotten_pair_leaves_the_queue_while_the_server_runs(page: Client, run: Path) -> None:
    import pyarrow as pa
    from pyarrow.dataset import dataset
    from world.committed import committed

    from manifests.tables import PAIRS

    rows = dataset(run / "pairs").to_table().to_pylist()[1:]
    for path in (run / "pairs").iterdir():
        path.unlink()
    assert page.get("/api/pairs")["matching"] == 6  # while they are made again
    committed(run / "pairs", PAIRS, pa.Table.from_pylist(rows, schema=PAIRS.columns))
    assert page.get("/api/pairs")["matching"] == 5


def test_freezing_makes_a_version_and_says_when_nothing_changed(page: Client, run: Path) -> None:
    status, told = page.post("/api/freeze")
    assert status == 409
    assert "written out" in told["error"] or "no questions" in told["error"]
    author(run, [0, 1])
    status, told = page.post("/api/freeze")
    assert (status, told["version"], told["questions"], told["new"]) == (200, 1, 4, True)
    assert (told["progress"]["frozen"], told["progress"]["changed"]) == (1, False)
    assert page.post("/api/freeze")[1]["new"] is False
    assert page.put(pairs_of(run)[4], 0, decision="kept")[1]["progress"]["changed"] is True


@pytest.fixture
def blind(run: Path) -> Iterator[Client]:
    author(run, range(3))
    with closing(Store(run / NAME)) as store:
        queue, given = read_queue(Folder(str(run)), store.pairs()), Pass.on("127.0.0.1")
        yield Client(answer_app("made", Examination(queue, store, "bob"), given), given)


def chosen(view: dict[str, Any], letter: str) -> dict[str, Any]:
    question = view["question"]
    return {name: question[name] for name in ("left_id", "right_id", "side", "asked")} | {"chosen": letter}


def start_of(blind: Client) -> dict[str, Any]:
    text = blind.http.get("/").text
    return json.loads(re.search(r'<script[^>]*id="start"[^>]*>(.*?)</script>', text, re.DOTALL)[1])


def test_a_second_person_answers_every_question_once(blind: Client, run: Path) -> None:
    view, seen = start_of(blind), []
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
    first = start_of(blind)
    blind.post("/api/answers", chosen(first, "a"))
    _, again = blind.post("/api/answers/back")
    assert again["question"] == first["question"]
    blind.post("/api/answers", chosen(again, "b"))
    with closing(Store(run / NAME)) as store:
        assert [one.chosen for one in store.answers()] == ["b"]


def test_an_answer_to_words_that_changed_meanwhile_does_not_count(blind: Client, run: Path) -> None:
    view = start_of(blind)
    with closing(Store(run / NAME)) as store:
        pair = store.pair(view["question"]["left_id"], view["question"]["right_id"])
        store.change(pair, {"question": "Another?"}, "ann")
        status, told = blind.post("/api/answers", chosen(view, "a"))
        assert (status, store.answers()) == (409, [])
    assert "changed" in told["error"]
    assert told["next"]["question"]


@pytest.mark.parametrize("odd", [{"chosen": "c"}, {"side": "top"}, {"person": "eve"}, {"left_id": "0" * 32}])
def test_an_odd_answer_is_not_kept(blind: Client, run: Path, odd: dict[str, str]) -> None:
    assert blind.post("/api/answers", chosen(start_of(blind), "a") | odd)[0] in (409, 422)
    with closing(Store(run / NAME)) as store:
        assert store.answers() == []
