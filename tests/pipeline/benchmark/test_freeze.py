"""Freezing: people's work becomes a version that never changes, whatever stops it on the way."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow.dataset import dataset
from world.authoring import author, pair_row, paired_run, pairs_of
from world.committed import committed

from manifests.draft import PLAN
from manifests.errors import NotCommitted, Refused, Waiting
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from manifests.tables import IMAGES, PAIRS
from pipeline.benchmark.freeze import freeze, is_changed
from pipeline.benchmark.store_path import note_store, store_path
from pipeline.reports.gallery.write import rewrite_report
from pipeline.run.layout import question_versions
from pipeline.run.lease.lease import driving
from pipeline.run.removal.intent import FORGET, Intent
from pipeline.run.run import Run
from stages.author.answers import Answer, asked
from stages.author.store import NAME, Store


class Stopped(BaseException):
    """As good as a kill: nothing of the code under test catches it."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of four pairs, of which people have written two."""
    made = paired_run(tmp_path, 4)
    author(made, range(2))
    return made


def bytes_of(folder: Path) -> dict[str, str]:
    """The sha256 of every file but the store's, by name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(NAME))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def questions(run: Path, version: int) -> list[str]:
    return sorted(dataset(run / f"questions-{version}").to_table().column("question").to_pylist())


def test_what_people_wrote_becomes_version_1(run: Path) -> None:
    version, manifest, new = freeze(Run.open(str(run)))
    assert (version, new, manifest.rows) == (1, True, 4)
    assert manifest.counts.ok == 2
    assert questions(run, 1) == sorted(2 * ["Is thing 0 open or closed?", "Is thing 1 open or closed?"])
    assert manifest.made_of == made_of(run, "images", "pairs")
    fingerprints = {name: Manifest.open(Folder(str(run / name))).lineage.fingerprint for name in ("images", "pairs")}
    assert manifest.lineage.inputs == fingerprints


def made_of(run: Path, *steps: str) -> dict[str, str]:
    """The content of these steps as they are now."""
    return {step: Manifest.open(Folder(str(run / step))).content for step in steps}


def test_freezing_what_was_frozen_changes_no_byte(run: Path) -> None:
    freeze(Run.open(str(run)))
    before = bytes_of(run)
    assert freeze(Run.open(str(run)))[::2] == (1, False)
    assert bytes_of(run) == before


def test_later_work_becomes_a_new_version_and_the_old_one_stays(run: Path) -> None:
    freeze(Run.open(str(run)))
    before = bytes_of(run / "questions-1")
    author(run, [0], question="Is it another one?")
    author(run, [2])
    assert freeze(Run.open(str(run)))[::2] == (2, True)
    assert bytes_of(run / "questions-1") == before
    assert "Is it another one?" in questions(run, 2)
    assert len(questions(run, 2)) == 6
    assert question_versions(Folder(str(run))) == [1, 2]


def test_an_answer_makes_a_new_version_with_its_reviewer(run: Path) -> None:
    freeze(Run.open(str(run)))
    store, ids = Store(run / NAME), pairs_of(run)[0]
    store.answer(Answer(*ids, "left", "bob", "a", asked(store.pair(*ids)), "now"))
    store.close()
    assert freeze(Run.open(str(run)))[::2] == (2, True)
    rows = dataset(run / "questions-2").to_table().to_pylist()
    assert sorted(row["reviewed_by"] for row in rows) == [[], [], [], ["bob"]]


def test_what_was_undone_is_no_work(run: Path) -> None:
    freeze(Run.open(str(run)))
    author(run, [1], question="A slip?")
    store = Store(run / NAME)
    store.undo("ann")
    store.close()
    assert not is_changed(Run.open(str(run)), run / NAME)
    assert freeze(Run.open(str(run)))[::2] == (1, False)


def test_whether_there_is_new_work_is_known_without_freezing(run: Path) -> None:
    folder = Folder(str(run))
    assert is_changed(Run(folder), run / NAME)
    freeze(Run.open(str(run)))
    assert not is_changed(Run(folder), run / NAME)
    author(run, [3])
    assert is_changed(Run(folder), run / NAME)


def test_without_work_people_are_waited_for(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    with pytest.raises(Waiting, match=f"people write them with `blindpairs author {run}`") as waiting:
        freeze(Run.open(str(run)))
    assert waiting.value.exit_code == 3
    assert not (run / NAME).exists()
    author(run, [0], decision="open")
    with pytest.raises(Waiting, match=r"because no pair is kept\. Keep pairs"):
        freeze(Run.open(str(run)))
    assert question_versions(Folder(str(run))) == []


@pytest.fixture
def elsewhere(run: Path, tmp_path: Path) -> Path:
    """The store of the run, moved out of it."""
    return (run / NAME).rename(tmp_path / "mine.sqlite")


def note(run: Path) -> dict[str, str]:
    return json.loads((run / "_author.json").read_text())


def test_a_store_elsewhere_is_named_once_and_known_from_then_on(run, elsewhere, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Waiting):  # nobody has told yet
        freeze(Run.open(str(run)))
    assert freeze(Run.open(str(run)), Path("mine.sqlite"))[0] == 1
    assert note(run) == {"store": str(elsewhere), "host": socket.gethostname()}
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert freeze(Run.open(str(run)))[::2] == (1, False)
    assert store_path(Folder(str(run))) == elsewhere


def test_a_noted_store_that_is_not_here_is_refused_by_name_and_not_made(run: Path, elsewhere: Path) -> None:
    freeze(Run.open(str(run)), elsewhere)
    elsewhere.rename(elsewhere.with_name("moved.sqlite"))
    told = rf"is in {elsewhere} on {socket.gethostname()}, which is not here: name it with --store, or remove "
    with pytest.raises(Refused, match=told + f"{run}/_author.json"):
        freeze(Run.open(str(run)))
    assert not elsewhere.exists()
    assert not (run / NAME).exists()
    assert freeze(Run.open(str(run)), elsewhere.with_name("moved.sqlite"))[::2] == (1, False)  # named anew
    assert note(run)["store"] == str(elsewhere.with_name("moved.sqlite"))


def test_a_store_that_is_back_in_its_run_needs_no_note(run: Path, elsewhere: Path) -> None:
    freeze(Run.open(str(run)), elsewhere)
    elsewhere.rename(run / NAME)
    freeze(Run.open(str(run)), run / NAME)
    assert not (run / "_author.json").exists()
    assert store_path(Folder(str(run))) == run / NAME


def test_a_store_is_noted_once_and_the_note_is_not_written_again(run: Path, elsewhere: Path) -> None:
    folder = Folder(str(run))
    note_store(folder, elsewhere)
    before = (run / "_author.json").stat()
    note_store(folder, elsewhere)
    after = (run / "_author.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_where_a_store_lies_does_not_depend_on_the_folder_a_command_is_started_in(run, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(run.parent)
    relative = Folder(run.name)
    freeze(Run.open(run.name), run / NAME)  # the default, by its full path
    assert not (run / "_author.json").exists()
    assert store_path(relative, Path("mine.sqlite")) == run.parent / "mine.sqlite"


def test_a_damaged_note_is_refused(run: Path) -> None:
    (run / "_author.json").write_text('{"store": ')
    with pytest.raises(Refused, match=r"_author\.json"):
        freeze(Run.open(str(run)))


def test_a_run_in_a_bucket_needs_a_store_on_a_disk_and_is_told_once(tmp_path: Path) -> None:
    run = Folder(f"memory://runs/{tmp_path.name}")
    with pytest.raises(Refused, match="--store"):
        store_path(run)
    mine = tmp_path / "mine.sqlite"
    assert store_path(run, mine) == mine
    assert store_path(run, Path("mine.sqlite")) == Path.cwd() / "mine.sqlite"
    note_store(run, mine)
    with pytest.raises(Refused, match=f"is in {mine} on .* --store"):
        store_path(run)
    Store(mine).close()
    assert store_path(run) == mine


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not a run"):
        freeze(Run.open(str(tmp_path)))


def test_an_imported_benchmark_has_no_pairs_and_freezes_too(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    author(run, [0])
    for path in (run / "pairs").iterdir():
        path.unlink()
    (run / "pairs").rmdir()
    version, manifest, _ = freeze(Run.open(str(run)))
    assert (version, manifest.rows, manifest.made_of) == (1, 2, made_of(run, "images"))
    assert set(manifest.lineage.inputs) == {"images"}


def test_a_version_says_which_pairs_it_was_written_over(run: Path) -> None:
    freeze(Run.open(str(run)))
    author(run, [2])
    rows = dataset(run / "pairs").to_table().to_pylist()
    for path in (run / "pairs").iterdir():
        path.unlink()
    more = pair_row((rows[0]["left_id"], rows[1]["right_id"]), 9, 9)
    committed(run / "pairs", PAIRS, pa.Table.from_pylist([*rows, more], schema=PAIRS.columns))
    freeze(Run.open(str(run)))
    one, two = (Run.open(str(run)).questions(number)[1] for number in (1, 2))
    assert one.made_of != two.made_of == made_of(run, "images", "pairs")
    assert one.made_of["images"] == two.made_of["images"]


def test_a_pair_whose_image_the_run_has_no_more_is_dropped_by_freezing_again(run: Path) -> None:
    freeze(Run.open(str(run)))
    lost = pairs_of(run)[0][0]
    rows = [row for row in dataset(run / "images").to_table().to_pylist() if row["image_id"] != lost]
    for path in (run / "images").iterdir():
        path.unlink()
    committed(run / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))
    version, manifest, new = freeze(Run.open(str(run)))
    assert (version, new, manifest.rows) == (2, True, 2)


def test_while_another_drives_the_run_freezing_is_refused(run: Path) -> None:
    with driving(Folder(str(run))), pytest.raises(Refused, match=f"process {os.getpid()}"):
        freeze(Run.open(str(run)))
    assert question_versions(Folder(str(run))) == []
    assert freeze(Run.open(str(run)))[0] == 1


def test_nothing_is_frozen_while_a_removal_is_halfway_however_early_the_run_was_opened(run: Path) -> None:
    opened = Run.open(str(run))  # as an authors' page has it for days
    Intent(FORGET, (), "test").begin(opened.folder)
    for change in (freeze, rewrite_report):
        with pytest.raises(Refused, match=f"`blindpairs forget {run}` finishes it"):
            change(opened)
    assert opened.versions() == []


@contextmanager
def stopping(monkeypatch: pytest.MonkeyPatch, after: int) -> Iterator[list[str]]:
    """Stop at a file that is written or removed: the one after so many."""
    seen: list[str] = []

    def counted(method):
        def instead(folder: Folder, name: str, *words):
            if not name.startswith("_driver"):
                if len(seen) == after:
                    raise Stopped
                seen.append(f"{method.__name__} {name}")
            return method(folder, name, *words)

        return instead

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "aside", counted(Folder.aside))
        patch.setattr(Folder, "forget", counted(Folder.forget))
        yield seen


def test_stopped_at_any_file_the_next_freezing_makes_the_same_version(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stopping(monkeypatch, 10**9) as steps:
        freeze(Run.open(str(run)))
    ended = bytes_of(run / "questions-1")
    assert steps.pop(0) == "forget _author.json"  # its store is where stores are
    assert [step.split()[1] for step in steps][0::2] == [PLAN, COMMIT]
    for moment in range(len(steps)):
        for path in (run / "questions-1").iterdir():
            path.unlink()
        with stopping(monkeypatch, moment + 1), pytest.raises(Stopped):
            freeze(Run.open(str(run)))
        assert question_versions(Folder(str(run))) == []
        with pytest.raises(Waiting):
            Run.open(str(run)).questions()
        with stopping(monkeypatch, 2), pytest.raises(Stopped):  # and once more, in the tidying
            freeze(Run.open(str(run)))
        assert freeze(Run.open(str(run)))[::2] == (1, True)
        assert bytes_of(run / "questions-1") == ended, f"stopped before {steps[moment]}"


def test_work_between_a_stop_and_the_next_freezing_is_in_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stopping(monkeypatch, 3), pytest.raises(Stopped):
        freeze(Run.open(str(run)))
    author(run, [2])
    version, manifest, _ = freeze(Run.open(str(run)))
    assert (version, manifest.rows) == (1, 6)


def test_a_half_written_file_of_a_killed_process_is_in_nobodys_way(run: Path) -> None:
    (run / "questions-1").mkdir()
    (run / "questions-1" / "_all.parquet.1234.tmp").write_bytes(b"half")
    version, manifest, _ = freeze(Run.open(str(run)))
    assert (version, manifest.rows) == (1, 4)
    assert len(questions(run, 1)) == 4


def test_a_version_that_is_not_there_is_named_with_those_that_are(run: Path) -> None:
    with pytest.raises(Waiting, match="`blindpairs freeze"):
        Run.open(str(run)).questions()
    freeze(Run.open(str(run)))
    author(run, [2])
    freeze(Run.open(str(run)))
    assert Run.open(str(run)).questions()[0] == 2
    assert Run.open(str(run)).questions(1)[0] == 1
    with pytest.raises(NotCommitted, match="has no questions-3; versions are: 1, 2"):
        Run.open(str(run)).questions(3)


def test_versions_go_on_after_one_was_removed_by_hand(run: Path) -> None:
    freeze(Run.open(str(run)))
    author(run, [2])
    freeze(Run.open(str(run)))
    for path in (run / "questions-1").iterdir():
        path.unlink()
    author(run, [3])
    assert freeze(Run.open(str(run)))[0] == 3
    assert question_versions(Folder(str(run))) == [2, 3]
