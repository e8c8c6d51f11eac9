"""What people wrote of images that are forgotten: not a trace of it stays, and the rest is as it was."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow.dataset import dataset
from world.authoring import author, paired_run, pairs_of
from world.forgetting import traces

from manifests.counts import Counts
from manifests.draft import Draft
from manifests.errors import Refused
from manifests.lineage import Lineage
from manifests.manifest import Manifest, Removed
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from manifests.tables import IMAGES
from pipeline.benchmark.freeze import freeze
from pipeline.benchmark.store_path import known_store, note_store
from pipeline.forget.forget import forget
from pipeline.forget.written import WRITTEN, without_written
from pipeline.run.run import Run
from stages.author.answers import Answer
from stages.author.store import NAME, Store

NOTE = Removed("2026-01-01T00:00:00Z", "blindpairs forget")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Five pairs, written out and frozen twice; the last pair is in the second version alone."""
    run = paired_run(tmp_path, 5)
    author(run, range(4))
    freeze(Run.open(str(run)))
    author(run, [4])
    with closing(Store(run / NAME)) as store:
        for ids in pairs_of(run):
            store.answer(Answer(*ids, "left", "bob", "a", "", "now"))
    freeze(Run.open(str(run)))
    return run


def elsewhere(run: Path) -> Path:
    """The run's store, moved out of it; the run knows it."""
    path = (run / NAME).rename(run.parent / "elsewhere.sqlite")
    note_store(Folder(str(run)), path)
    return path


def images_again(run: Path, rows: list[dict[str, object]]) -> None:
    """Make the images table anew of these rows, of no source that is known."""
    for path in (run / "images").iterdir():
        path.unlink()
    known = Lineage("images", "made by hand 1", "images 1", {"images": {"sources": {}}}, {}, {})
    draft = Draft.begin(Folder(str(run / "images")), known, [{"name": "all"}])
    part = Part(pa.Table.from_pylist(rows, schema=IMAGES.columns), Counts(len(rows), len(rows)))
    draft.commit({"all": write_shard(draft.folder, "all", IMAGES, [part])})


def questions(run: Path, version: int) -> list[dict[str, object]]:
    return dataset(run / f"questions-{version}").to_table().to_pylist()


def told(run: Path) -> list[str]:
    """Traces of the first pair and of the last in what people wrote; images and pairs are others' work."""
    words = {word for ids in (pairs_of(run)[0], pairs_of(run)[4]) for word in ids} | {"thing 0", "thing 4"}
    return [one for one in traces(run, words) if not one.startswith(("images/", "pairs/"))]


def test_questions_about_them_go_from_every_version_and_the_store_without_a_trace(run: Path) -> None:
    before = {version: questions(run, version) for version in (1, 2)}
    ids = [pairs_of(run)[0][0], pairs_of(run)[4][1]]
    assert told(run)
    gone = without_written(Folder(str(run)), ids, NOTE, run / NAME)
    assert gone == {"questions-1": 2, "questions-2": 4, WRITTEN: 2}
    assert told(run) == []
    for version, rows in before.items():
        stays = [row for row in rows if row["left_id"] not in ids and row["right_id"] not in ids]
        assert questions(run, version) == stays


def test_the_versions_say_that_rows_went_and_their_counts_add_up(run: Path) -> None:
    without_written(Folder(str(run)), [pairs_of(run)[0][0]], NOTE, run / NAME)
    manifest = Manifest.open(Folder(str(run / "questions-2")))
    assert [(one.rows, one.why) for one in manifest.removed] == [(2, NOTE.why)]
    assert (manifest.rows, manifest.counts.ok, manifest.counts.seen) == (8, 4, 4)


def test_a_killed_one_is_finished_by_the_same_call(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from manifests.removal import Held

    ids = [pairs_of(run)[0][0]]
    with monkeypatch.context() as killed:
        killed.setattr(Held, "put", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            without_written(Folder(str(run)), ids, NOTE, run / NAME)
    assert without_written(Folder(str(run)), ids, NOTE, run / NAME) == {"questions-1": 2, "questions-2": 2, WRITTEN: 1}
    assert [Manifest.open(Folder(str(run / f"questions-{version}"))).rows for version in (1, 2)] == [6, 8]


def test_a_second_one_of_the_same_images_changes_nothing(run: Path) -> None:
    ids = [pairs_of(run)[0][0]]
    without_written(Folder(str(run)), ids, NOTE, run / NAME)
    files = {path: path.read_bytes() for path in run.rglob("questions-*/*")}
    assert without_written(Folder(str(run)), ids, NOTE, run / NAME) == {}
    assert {path: path.read_bytes() for path in run.rglob("questions-*/*")} == files


def test_a_store_elsewhere_is_known_to_the_run(run: Path) -> None:
    store, image_id = elsewhere(run), pairs_of(run)[0][0]
    folder = Folder(str(run))
    assert without_written(folder, [image_id], NOTE, known_store(folder, None))[WRITTEN] == 1
    with closing(Store(store)) as opened:
        assert len(opened.pairs()) == 4
        assert image_id not in {one for pair in opened.pairs() for one in (pair.left_id, pair.right_id)}
    assert image_id.encode() not in store.read_bytes()
    assert not (run / NAME).exists()


@pytest.mark.parametrize("how", ["named", "noted"])
def test_a_store_that_is_not_there_is_refused_before_anything_goes(run: Path, how: str) -> None:
    store = elsewhere(run)
    store.rename(store.with_name("moved.sqlite"))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(Refused, match="--store"):
        forget(str(run), [pairs_of(run)[0][0]], store=store if how == "named" else None)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert not store.exists()


def test_where_nobody_wrote_there_is_no_store_and_none_is_made(tmp_path: Path) -> None:
    run = Folder(str(paired_run(tmp_path, 1)))
    assert known_store(run, None) is None
    assert not (tmp_path / "made" / NAME).exists()
    assert known_store(Folder(f"memory://runs/{tmp_path.name}"), None) is None


def test_the_store_is_the_one_that_is_named_else_the_one_that_is_noted_else_the_runs_own(run: Path) -> None:
    folder = Folder(str(run))
    assert known_store(folder, None) == run / NAME
    (other := run.parent / "other.sqlite").write_bytes((run / NAME).read_bytes())
    store = elsewhere(run)
    assert known_store(folder, None) == store
    assert known_store(folder, other) == other


def test_the_store_of_a_run_in_a_bucket_is_known_by_its_note(tmp_path: Path) -> None:
    run = Folder(f"memory://runs/{tmp_path.name}")
    Store(store := tmp_path / "mine.sqlite").close()
    note_store(run, store)
    assert known_store(run, None) == store
    store.unlink()
    with pytest.raises(Refused, match="--store"):
        known_store(run, None)


def test_what_is_no_image_of_the_run_any_more_goes_from_what_people_wrote(run: Path) -> None:
    ids, whole = pairs_of(run), dataset(run / "images").to_table().to_pylist()
    lost, words = ids[4][0], "thing 4"
    images_again(run, [row for row in whole if row["image_id"] != lost])
    answer = forget(str(run), [lost])
    assert (answer.images, answer.rows) == (0, {"questions-2": 2, WRITTEN: 1})
    assert [one for one in traces(run, [lost, words]) if not one.startswith(("images/", "pairs/"))] == []
    assert forget(str(run), [lost]).rows == {}
    assert len(questions(run, 2)) == 8
