"""What people wrote of images that are forgotten: not a trace of it stays, and the rest is as it was."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from pyarrow.dataset import dataset
from world.authoring import author, paired_run, pairs_of
from world.forgetting import traces

from manifests.manifest import Manifest, Removed
from manifests.storage import Folder
from pipeline.benchmark.freeze import freeze
from pipeline.forget.written import WRITTEN, without_written
from stages.author.answers import Answer
from stages.author.store import NAME, Store

NOTE = Removed("2026-01-01T00:00:00Z", "blindpairs forget")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Five pairs, written out and frozen twice; the last pair is in the second version alone."""
    run = paired_run(tmp_path, 5)
    author(run, range(4))
    freeze(str(run))
    author(run, [4])
    with closing(Store(run / NAME)) as store:
        for ids in pairs_of(run):
            store.answer(Answer(*ids, "left", "bob", "a", "", "now"))
    freeze(str(run))
    return run


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
    gone = without_written(Folder(str(run)), ids, NOTE, None)
    assert gone == {"questions-1": 2, "questions-2": 4, WRITTEN: 2}
    assert told(run) == []
    for version, rows in before.items():
        stays = [row for row in rows if row["left_id"] not in ids and row["right_id"] not in ids]
        assert questions(run, version) == stays


def test_the_versions_say_that_rows_went_and_their_counts_add_up(run: Path) -> None:
    without_written(Folder(str(run)), [pairs_of(run)[0][0]], NOTE, None)
    manifest = Manifest.open(Folder(str(run / "questions-2")))
    assert [(one.rows, one.why) for one in manifest.removed] == [(2, NOTE.why)]
    assert (manifest.rows, manifest.counts.ok, manifest.counts.seen) == (8, 4, 4)


def test_a_killed_one_is_finished_by_the_same_call(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from manifests.removal import Held

    ids = [pairs_of(run)[0][0]]
    with monkeypatch.context() as killed:
        killed.setattr(Held, "put", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            without_written(Folder(str(run)), ids, NOTE, None)
    assert without_written(Folder(str(run)), ids, NOTE, None) == {"questions-1": 2, "questions-2": 2, WRITTEN: 1}
    assert [Manifest.open(Folder(str(run / f"questions-{version}"))).rows for version in (1, 2)] == [6, 8]


def test_a_second_one_of_the_same_images_changes_nothing(run: Path) -> None:
    ids = [pairs_of(run)[0][0]]
    without_written(Folder(str(run)), ids, NOTE, None)
    files = {path: path.read_bytes() for path in run.rglob("questions-*/*")}
    assert without_written(Folder(str(run)), ids, NOTE, None) == {}
    assert {path: path.read_bytes() for path in run.rglob("questions-*/*")} == files


def test_a_store_elsewhere_is_named(run: Path, tmp_path: Path) -> None:
    (run / NAME).rename(tmp_path / "elsewhere.sqlite")
    gone = without_written(Folder(str(run)), [pairs_of(run)[0][0]], NOTE, tmp_path / "elsewhere.sqlite")
    assert gone[WRITTEN] == 1
