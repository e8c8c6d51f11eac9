"""The routes of one who answers: each question once, nothing of what is right, and no answer to another question."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from world.authoring import author, paired_run, pairs_of, photo
from world.committed import committed
from world.routes import Client, answer_client

from manifests.manifest import Manifest
from manifests.storage import Folder
from manifests.tables import IMAGES
from pipeline.benchmark.page.opaque import OpaqueNames
from pipeline.benchmark.page.shots import LONGEST
from pipeline.benchmark.photos import photos_of
from pipeline.run.run import Run
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
    return {"question": view["question"]["id"], "chosen": letter}


def every_view(blind: Client) -> list[dict[str, Any]]:
    """All that is sent while a person answers every question."""
    views = [blind.start()]
    while views[-1]["question"]:
        views.append(blind.post("/api/answers", chosen(views[-1], "a"))[1])
    return views


def name_of(run: Path, ids: tuple[str, str], side: str, person: str = "bob") -> str:
    """What the photo of a question is called."""
    with closing(Store(run / NAME)) as store:
        return OpaqueNames(store.secret(), person).photo((store.pair(*ids), side))


def test_a_second_person_answers_every_question_once(blind: Client, run: Path) -> None:
    view, seen = blind.start(), []
    assert (view["done"], view["total"]) == (0, 6)
    while view["question"]:
        seen.append(view["question"]["id"])
        status, view = blind.post("/api/answers", chosen(view, "a"))
        assert status == 200
    assert (len(set(seen)), view["done"]) == (6, 6)
    with closing(Store(run / NAME)) as store:
        assert {one.person for one in store.answers()} == {"bob"}


def test_an_answer_is_kept_for_the_photo_that_was_shown(blind: Client, run: Path) -> None:
    drawn = {number: _pixels(photo(number)) for number in range(12)}
    rows = Manifest.open(Folder(str(run / "images"))).read("00000").to_pylist()
    ids = {int(row["key"]): row["image_id"] for row in rows}
    view, given = blind.start(), {}
    while view["question"]:
        shown = _pixels(blind.http.get(view["question"]["src"]).content)
        number = min(drawn, key=lambda one: np.abs(drawn[one] - shown).mean())
        given[ids[number]] = "ab"[number % 3 == 0]
        _, view = blind.post("/api/answers", chosen(view, given[ids[number]]))
    with closing(Store(run / NAME)) as store:
        kept = {(one.left_id if one.side == "left" else one.right_id): one.chosen for one in store.answers()}
    assert (len(kept), kept) == (6, given)


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=float)


def test_their_page_says_nothing_of_what_is_right(blind: Client) -> None:
    text = blind.http.get("/").text
    assert not any(word in text for word in ("left_answer", "statement", "cosine"))
    for path in ("/api/pairs", "/api/progress"):
        assert blind.http.get(path).status_code == 404
    assert blind.post("/api/undo")[0] == 404
    assert blind.post("/api/freeze")[0] == 404


# ------------------------------------------------------------------ which two are of a pair, and which images they are


def test_nothing_that_is_sent_names_an_image_a_pair_or_a_side(blind: Client, run: Path) -> None:
    answers, view = [blind.http.get("/")], blind.start()
    while view["question"]:
        answers.append(blind.http.get(view["question"]["src"]))
        answers.append(blind.http.post("/api/answers", json=chosen(view, "a")))
        view = answers[-1].json()
    answers += [blind.http.post("/api/answers/back", json={}), blind.http.get("/photos/0")]
    answers.append(blind.http.post("/api/answers", json={"question": "0", "chosen": "a"}))
    sent = "\n".join(f"{one.headers}\n{one.url}\n{one.content.decode('latin-1')}" for one in answers)
    photos = photos_of(Run.open(str(run)), {one for pair in pairs_of(run) for one in pair})
    known = [word for one in photos.values() for word in (one.image_id, one.sha256, one.uri, one.caption, one.label)]
    known += [one.image_id[:8] for one in photos.values()] + ["left", "right", "made-photos", "etag", "last-modified"]
    assert [word for word in known if word.lower() in sent.lower()] == []


def test_what_questions_and_photos_are_called_is_another_in_each_store_and_for_each_person(
    run: Path, tmp_path: Path
) -> None:
    other = paired_run(tmp_path / "other", 6)  # the same pairs of the same images
    found = []
    for where, person in ((run, "bob"), (run, "eve"), (other, "bob")):
        author(where, range(3))
        with answer_client(where, person) as client:
            views = [one["question"] for one in every_view(client) if one["question"]]
        found += [one[name].removeprefix("/photos/") for one in views for name in ("id", "src")]
    assert len(found) == len(set(found)) == 36
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in found)


def test_a_name_is_no_hash_that_somebody_who_knows_the_run_could_make(blind: Client, run: Path) -> None:
    names = {one["question"][what].removeprefix("/photos/") for one in every_view(blind)[:-1] for what in ("id", "src")}
    photos = photos_of(Run.open(str(run)), {one for pair in pairs_of(run) for one in pair})
    guessed = [one for pair in pairs_of(run) for one in (*pair, "".join(pair), "\0".join(pair), "/".join(pair))]
    guessed += [f"{one}{more}" for one in guessed for more in ("left", "right", "\0left", "\0right", "bob", "\0bob")]
    guessed += [text for one in photos.values() for text in (one.key, one.uri, one.sha256)]
    assert names.isdisjoint(sha256(text.encode()).hexdigest()[:32] for text in guessed)


def test_only_photos_of_questions_that_this_person_is_asked_are_served(blind: Client, run: Path) -> None:
    author(run, [0], by="Bob ", question="Is it bob's?")
    author(run, [1], decision="rejected")
    pairs = pairs_of(run)
    there = {
        place: {blind.http.get(f"/photos/{name_of(run, pairs[place], side)}").status_code for side in ("left", "right")}
        for place in range(4)
    }
    assert there == {0: {404}, 1: {404}, 2: {200}, 3: {404}}  # his own, dropped, asked, and never written
    assert blind.http.get(f"/photos/{name_of(run, pairs[2], 'left', 'eve')}").status_code == 404
    for image_id in (*pairs[2], *pairs[3]):
        assert blind.http.get(f"/photos/{image_id}").status_code == 404


@pytest.mark.parametrize("side", [64, LONGEST + 10])
def test_a_photo_is_sent_without_a_word_that_its_file_holds(tmp_path: Path, side: int) -> None:
    run = paired_run(tmp_path, 1)
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "an open door", 6  # what the photo shows, and that it lies on its side
    for number, path in enumerate(sorted((tmp_path / "made-photos").iterdir())):
        Image.open(io.BytesIO(photo(number))).resize((side, 32)).save(
            path, "JPEG", exif=exif, comment=b"the left of the pair", icc_profile=b"a profile of the open door"
        )
    _read_again(run)
    author(run, [0])
    with answer_client(run) as client:
        sent = client.http.get(client.start()["question"]["src"]).content
    files = [path.read_bytes() for path in (tmp_path / "made-photos").iterdir()]
    assert all(b"an open door" in one and b"the left of" in one for one in files)
    assert sent not in files
    assert not any(word in sent for word in (b"door", b"pair", b"Exif", b"left"))
    with Image.open(io.BytesIO(sent)) as shown:
        assert (shown.format, shown.mode, shown.info.get("comment")) == ("JPEG", "RGB", None)
        assert shown.width > shown.height  # as the encoders see it


def _read_again(run: Path) -> None:
    """Have the run know its photos as their files are now."""
    rows = Manifest.open(Folder(str(run / "images"))).read("00000").to_pylist()
    for row in rows:
        data = Path(row["uri"]).read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            row |= {"width": image.width, "height": image.height}
        row |= {"length": len(data), "sha256": sha256(data).hexdigest()}
    for path in (run / "images").iterdir():
        path.unlink()
    committed(run / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(photo(99))], ids=["gone", "changed"])
def test_a_photo_that_cannot_be_had_is_said_so_without_its_file(blind: Client, run: Path, change) -> None:
    for path in (run.parent / "made-photos").iterdir():
        change(path)
    answer = blind.http.get(blind.start()["question"]["src"])
    assert (answer.status_code, answer.json()) == (410, {"error": "this photo could not be read any more"})


def test_who_has_the_page_open_while_the_server_is_started_anew_goes_on(blind: Client, run: Path) -> None:
    view = blind.start()
    with answer_client(run) as anew:
        assert anew.http.get(view["question"]["src"]).status_code == 200
        status, then = anew.post("/api/answers", chosen(view, "b"))
        assert (status, then["done"]) == (200, 1)
        assert anew.http.get(view["next_src"]).status_code == 200


# ------------------------------------------------------------------ what is no answer


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
        for pair in store.pairs():
            store.change(pair, {"question": "Another?"}, "ann")
        status, told = blind.post("/api/answers", chosen(view, "a"))
        assert (status, store.answers()) == (409, [])
    assert "changed" in told["error"]
    assert told["next"]["question"]


@pytest.mark.parametrize("odd", [{"chosen": "c"}, {"side": "top"}, {"person": "eve"}, {"question": "0" * 32}])
def test_an_odd_answer_is_not_kept(blind: Client, run: Path, odd: dict[str, str]) -> None:
    assert blind.post("/api/answers", chosen(blind.start(), "a") | odd)[0] in (409, 422)
    with closing(Store(run / NAME)) as store:
        assert store.answers() == []


def test_an_answer_that_no_page_sends_is_refused_and_not_sent_back(blind: Client) -> None:
    answer = blind.http.post("/api/answers", json=chosen(blind.start(), "a") | {"chosen": "a secret"})
    assert (answer.status_code, set(answer.json())) == (422, {"error"})
    assert "secret" not in answer.text


def test_who_ever_wrote_words_of_a_question_is_not_asked_it(blind: Client, run: Path) -> None:
    assert blind.start()["total"] == 6
    author(run, [0], by="Bob ", question="Is it bob's?")
    author(run, [0], by="ann", question="Is it ann's again?")
    assert blind.start()["total"] == 4
