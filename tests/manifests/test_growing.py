"""A manifest that grows: its shards stay, its commit goes and comes again, and says what it was."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from world.committed import lineage_of

from manifests.counts import Counts
from manifests.draft import PLAN, Draft
from manifests.errors import Refused, Unbalanced
from manifests.lineage import Lineage
from manifests.manifest import COMMIT, Earlier, Manifest
from manifests.schema import Schema, column
from manifests.shard import Part, Receipt, write_shard
from manifests.storage import Folder

NUMBERS = Schema("numbers", 1, ("n",), pa.schema([column("n", pa.int64(), "a number", nullable=False)]))


def lineage(size: int) -> Lineage:
    return lineage_of(NUMBERS, size=size)


def tasks(count: int) -> list[dict[str, str]]:
    return [{"name": f"{number:05d}"} for number in range(count)]


def written(draft: Draft) -> dict[str, Receipt]:
    """Every missing shard."""
    table = pa.table({"n": pa.array([1, 2], pa.int64())})
    names = [task["name"] for task in draft.missing()]
    return {name: write_shard(draft.folder, name, NUMBERS, [Part(table, Counts(2, 2))]) for name in names}


def committed(folder: Path, size: int) -> Manifest:
    draft = Draft.begin(Folder(str(folder)), lineage(size), tasks(size))
    return draft.commit(written(draft))


def test_what_grew_states_what_it_was_and_proves_it(tmp_path: Path) -> None:
    first = committed(tmp_path, 2)
    draft = Draft.grow(first, lineage(3), tasks(3), {})
    assert not (tmp_path / COMMIT).exists()
    assert Draft.planned(first.folder) == Draft(first.folder, lineage(3), tuple(tasks(3)), {}, draft.grown)
    second = draft.commit(written(draft))
    third = Draft.grow(second, lineage(4), tasks(4), {})
    third.commit(written(third))
    found = Manifest.open(first.folder)
    assert found.grown == (
        Earlier(2, lineage(2).fingerprint, first.content),
        Earlier(3, lineage(3).fingerprint, second.content),
    )
    assert [found.content_at(lineage(size).fingerprint) for size in (2, 3, 4, 5)] == [
        *(first.content, second.content, found.content, None),
    ]


def test_a_draft_that_grows_again_was_never_a_state(tmp_path: Path) -> None:
    draft = Draft.grow(committed(tmp_path, 2), lineage(3), tasks(3), {})
    again = Draft.grow(draft, lineage(4), tasks(4), {})
    (state,) = again.commit(written(again)).grown
    assert (state.shards, state.fingerprint) == (2, lineage(2).fingerprint)


def test_a_new_task_withdrawn_before_the_commit_takes_its_shard_along_and_no_other(tmp_path: Path) -> None:
    first = committed(tmp_path, 2)
    draft = Draft.grow(first, lineage(4), tasks(4), {})
    written(draft)
    back = Draft.grow(draft, lineage(2), tasks(2), {})
    assert sorted(path.name for path in tmp_path.glob("[!_]*")) == ["00000.parquet", "00001.parquet"]
    found = back.commit({})
    assert (found.content, found.grown) == (first.content, ())


def test_between_plan_and_commit_the_old_state_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = committed(tmp_path, 2)

    def killed(self: Folder, name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "forget", killed)
        with pytest.raises(KeyboardInterrupt):
            Draft.grow(first, lineage(3), tasks(3), {})
    assert len(json.loads((tmp_path / PLAN).read_text())["tasks"]) == 3
    found = Manifest.open(first.folder)
    assert (found.lineage, found.shards) == (first.lineage, first.shards)
    again = Draft.grow(found, lineage(3), tasks(3), {})
    (state,) = again.commit(written(again)).grown
    assert (state.shards, state.fingerprint) == (2, lineage(2).fingerprint)


def test_foreign_parquet_stops_growth_before_anything_is_removed(tmp_path: Path) -> None:
    first = committed(tmp_path, 2)
    (tmp_path / "mine.parquet").touch()
    with pytest.raises(Refused, match=r"mine\.parquet"):
        Draft.grow(first, lineage(3), tasks(3), {})
    assert (tmp_path / COMMIT).exists()


def test_a_commit_that_says_nothing_of_growth_never_grew(tmp_path: Path) -> None:
    committed(tmp_path, 2)
    value = json.loads((tmp_path / COMMIT).read_text())
    stated = value.pop("content")
    del value["grown"]
    (tmp_path / COMMIT).write_text(json.dumps(value))
    found = Manifest.open(Folder(str(tmp_path)))
    assert (found.grown, found.content) == ((), stated)


def test_an_earlier_shard_that_is_another_now_is_noticed_at_the_commit(tmp_path: Path) -> None:
    committed(tmp_path, 2)
    draft = Draft.grow(Manifest.open(Folder(str(tmp_path))), lineage(3), tasks(3), {})
    (tmp_path / "00000.parquet").unlink()
    table = pa.table({"n": pa.array([1, 2, 3], pa.int64())})
    write_shard(draft.folder, "00000", NUMBERS, [Part(table, Counts(3, 3))])
    begun = Draft.planned(draft.folder)
    with pytest.raises(Unbalanced, match="had before it grew are others now"):
        begun.commit(written(begun))
