"""A run that changes while its pages are open: what is forgotten is shown no more, what is typed is kept."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from fsspec.core import url_to_fs
from pyarrow.dataset import dataset
from world.authoring import author, image_row, paired_run, pairs_of
from world.committed import committed, memory_bucket
from world.routes import answer_client, author_client, made_anew, without_images, without_pair

from manifests.tables import IMAGES, PAIRS
from pipeline.benchmark.page import live
from pipeline.benchmark.page.live import LiveQueue
from pipeline.benchmark.page.opaque import OpaqueNames
from pipeline.run.run import Run
from stages.author.authored import Authored
from stages.author.store import NAME, Store


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return paired_run(tmp_path, 6)


def photo_names(run: Path, ids: tuple[str, str]) -> list[str]:
    """Where bob's page has the two photos of a pair."""
    with closing(Store(run / NAME)) as store:
        names = OpaqueNames(store.secret(), "bob")
        return [f"/photos/{names.photo((store.pair(*ids), side))}" for side in ("left", "right")]


def test_a_pair_that_the_filter_leaves_out_now_leaves_the_queue(run: Path) -> None:
    with author_client(run) as page:
        lineage = run / "pairs" / "_lineage.json"
        lineage.rename(run / "away")
        assert page.get("/api/pairs")["matching"] == 6  # while they are made again
        (run / "away").rename(lineage)
        without_pair(run, pairs_of(run)[0])
        assert page.get("/api/pairs")["matching"] == 5


def test_photos_that_were_forgotten_meanwhile_are_answered_404_on_both_pages(run: Path) -> None:
    author(run, range(3))
    gone, there = pairs_of(run)[0], pairs_of(run)[1]
    with author_client(run) as page, answer_client(run) as blind:
        every = [(page, f"/photos/{image_id}") for image_id in (*gone, *there)]
        every += [(blind, path) for path in (*photo_names(run, gone), *photo_names(run, there))]
        assert [client.http.get(path).status_code for client, path in every] == [200] * 8
        without_images(run, gone)
        with closing(Store(run / NAME)) as store:
            store.forget(gone)
        assert [client.http.get(path).status_code for client, path in every] == [404, 404, 200, 200] * 2
        assert (page.get("/api/pairs")["matching"], blind.start()["total"]) == (5, 4)


def test_nobody_is_asked_about_a_photo_that_is_gone_from_the_run(run: Path) -> None:
    author(run, range(3))
    gone = pairs_of(run)[0]
    with answer_client(run) as blind:
        assert blind.start()["total"] == 6
        lost = photo_names(run, gone)
        without_images(run, gone)  # and the store still has the question
        assert blind.start()["total"] == 4
        assert [blind.http.get(path).status_code for path in lost] == [404, 404]


def test_a_pair_that_leaves_the_run_while_somebody_types_is_kept(run: Path) -> None:
    ids = pairs_of(run)[2]
    with author_client(run) as page:
        without_pair(run, ids)
        assert page.get("/api/pairs")["matching"] == 5
        status, told = page.put(ids, 0, question="Is it open?")
        assert (status, told["pair"]["place"], told["pair"]["listed"]) == (200, 5, False)
        assert page.get("/api/pairs", after=4)["pairs"][0]["written"]["question"] == "Is it open?"
        assert page.put(ids, 1, decision="kept")[0] == 200
    with closing(Store(run / NAME)) as store:
        kept = store.pair(*ids)
    assert (kept.question, kept.decision) == ("Is it open?", "kept")


def test_of_an_image_that_was_forgotten_while_somebody_types_nothing_is_taken(run: Path) -> None:
    ids = pairs_of(run)[2]
    with author_client(run) as page:
        without_images(run, ids[:1])
        assert page.put(ids, 0, question="Is it open?")[0] == 404
    with closing(Store(run / NAME)) as store:
        assert store.pairs() == []


def test_undo_of_a_pair_that_is_shown_no_more_says_null_and_undoes(run: Path) -> None:
    ids = pairs_of(run)[0]
    with author_client(run) as page:
        page.put(ids, 0, decision="kept")
        without_images(run, ids)
        status, told = page.post("/api/undo")
        assert (status, told["pair"], told["progress"]["kept"]) == (200, None, 0)
    with closing(Store(run / NAME)) as store:
        assert store.pair(*ids).decision == "open"


def test_a_pair_that_people_wrote_of_and_no_run_found_is_marked_only_beside_pairs_that_one_found(
    run: Path, tmp_path: Path
) -> None:
    ids = pairs_of(run)[0]
    author(run, [0])
    without_pair(run, ids)
    with author_client(run) as page:
        assert [pair["listed"] for pair in page.get("/api/pairs", count=6)["pairs"]] == [*[True] * 5, False]
    for path in (run / "pairs").iterdir():
        path.unlink()
    (run / "pairs").rmdir()  # as where it was imported
    with author_client(run) as page:
        assert [pair["listed"] for pair in page.get("/api/pairs", count=6)["pairs"]] == [True]


def test_a_run_in_a_bucket_is_asked_at_most_every_ten_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: clock.now))
    made = paired_run(tmp_path, 3)
    tables = {step: dataset(made / step).to_table() for step in ("images", "pairs")}
    with memory_bucket() as url:
        committed(f"{url}/images", IMAGES, tables["images"])
        committed(f"{url}/pairs", PAIRS, tables["pairs"])
        queue = LiveQueue(Run.open(url), list)
        fs, path = url_to_fs(f"{url}/pairs")
        fs.rm(path, recursive=True)
        committed(f"{url}/pairs", PAIRS, tables["pairs"].slice(0, 1))
        clock.now += 9.0
        assert len(queue.now().pairs) == 3
        clock.now += 2.0
        assert len(queue.now().pairs) == 1


def test_images_that_are_added_are_in_the_queue_of_written_pairs(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 2)
    rows = dataset(run / "images").to_table().to_pylist()
    new = image_row(tmp_path / "made-photos", 9)
    ids = sorted((rows[0]["image_id"], new["image_id"]))
    queue = LiveQueue(Run.open(str(run)), lambda: [Authored(*ids, decision="kept")])
    assert len(queue.now().pairs) == 2
    for path in (run / "images").iterdir():
        path.unlink()
    committed(run / "images", IMAGES, pa.Table.from_pylist([*rows, new], schema=IMAGES.columns))
    assert [pair.ids for pair in queue.now().pairs][-1] == tuple(ids)
    made_anew(run, "images", lambda row: row["image_id"] != new["image_id"])
    assert len(queue.now().pairs) == 2
