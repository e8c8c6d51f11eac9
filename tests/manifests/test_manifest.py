"""Manifest: plan first, commit last, and a committed folder is either as it was committed or refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from world.committed import candidates_manifest, images_manifest, images_table, lineage_of, names

from manifests.counts import Counts
from manifests.draft import PLAN, Draft
from manifests.errors import Damaged, NotCommitted, Refused, Unbalanced
from manifests.manifest import COMMIT, Manifest
from manifests.schema import Schema, column
from manifests.shard import Part, Receipt, write_shard
from manifests.storage import Folder
from manifests.tables import IMAGES

NUMBERS = Schema("numbers", 1, ("n",), pa.schema([column("n", pa.int64(), "a number", nullable=False)]))
SHA256 = ["f" * 64] * 9


def begun(folder: Path, *shards: str) -> Draft:
    return Draft.begin(Folder(str(folder)), lineage_of(NUMBERS), [{"name": shard} for shard in shards])


def written(draft: Draft, name: str, *numbers: int) -> Receipt:
    table = pa.table({"n": pa.array(numbers, pa.int64())})
    return write_shard(draft.folder, name, NUMBERS, [Part(table, Counts(len(numbers), len(numbers)))])


# ------------------------------------------------------------------ plan first, commit last


def test_the_plan_is_the_first_file(tmp_path: Path) -> None:
    begun(tmp_path, "a", "b")
    assert os.listdir(tmp_path) == [PLAN]


def test_the_commit_is_the_last_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order, really = [], os.replace
    monkeypatch.setattr(os, "replace", lambda source, target: (order.append(Path(target).name), really(source, target)))
    draft = begun(tmp_path, "b", "a")
    draft.commit({name: written(draft, name, 1) for name in ("a", "b")})
    assert order == [PLAN, "a.parquet", "b.parquet", COMMIT]


def test_a_plan_is_found_again_as_it_was_begun(tmp_path: Path) -> None:
    draft = Draft.begin(Folder(str(tmp_path)), lineage_of(NUMBERS, größe=1), [{"name": "ä", "rows": [0, 9]}])
    assert Draft.planned(Folder(str(tmp_path))) == draft


def test_no_plan_is_no_draft(tmp_path: Path) -> None:
    assert Draft.planned(Folder(str(tmp_path))) is None


def test_only_the_tasks_without_a_shard_are_missing(tmp_path: Path) -> None:
    draft = begun(tmp_path, "a", "b", "c")
    written(draft, "b", 1)
    assert [task["name"] for task in draft.missing()] == ["a", "c"]


def test_a_folder_with_foreign_parquet_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1]}), tmp_path / "theirs.parquet")
    with pytest.raises(Refused, match=r"theirs\.parquet, which no plan .* name another run"):
        begun(tmp_path, "a")


def test_two_tasks_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two tasks of one name"):
        begun(tmp_path, "a", "a")


@pytest.mark.parametrize("name", ["_a", ".a", "a/b", ""])
def test_a_shard_that_other_readers_would_pass_over_cannot_be_planned(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="hidden"):
        begun(tmp_path, name)


def test_a_folder_that_is_only_begun_is_not_a_manifest(tmp_path: Path) -> None:
    begun(tmp_path, "a")
    with pytest.raises(NotCommitted, match="no finished manifest; `blindpairs run` makes it, or"):
        Manifest.open(Folder(str(tmp_path)))


# ------------------------------------------------------------------ what a commit checks


def test_a_commit_without_a_planned_shard_is_refused(tmp_path: Path) -> None:
    draft = begun(tmp_path, "a", "b")
    with pytest.raises(Unbalanced, match="the shard b is missing"):
        draft.commit({"a": written(draft, "a", 1)})
    assert not draft.folder.has(COMMIT)


def test_a_commit_with_a_shard_nobody_planned_is_refused(tmp_path: Path) -> None:
    draft = begun(tmp_path, "a")
    receipts = {name: written(draft, name, 1) for name in ("a", "b")}
    with pytest.raises(Unbalanced, match="the shard b is missing or was never planned"):
        draft.commit(receipts)


def test_a_commit_of_fewer_than_expected_is_refused(tmp_path: Path) -> None:
    draft = begun(tmp_path, "a")
    with pytest.raises(Unbalanced, match="2 seen, 3 expected; not committed"):
        draft.commit({"a": written(draft, "a", 1, 2)}, expected=3)


def test_a_receipt_that_does_not_add_up_is_refused_though_another_makes_up_for_it(tmp_path: Path) -> None:
    draft = begun(tmp_path, "a", "b")
    one, other = written(draft, "a", 1), written(draft, "b", 1)
    one, other = Receipt("a", 1, one.bytes, Counts(2, 1)), Receipt("b", 1, other.bytes, Counts(0, 1))
    with pytest.raises(Unbalanced, match="2 seen, but 1 ok"):
        draft.commit({"a": one, "b": other})


def test_a_shard_that_changed_since_its_receipt_is_not_committed(tmp_path: Path) -> None:
    draft = begun(tmp_path, "a")
    receipt = written(draft, "a", 1)
    written(draft, "a", 1, 2, 3, 4)
    with pytest.raises(Unbalanced, match=r"a\.parquet should have .* remove the file"):
        draft.commit({"a": receipt})


def test_a_shard_broken_between_two_runs_is_not_committed(tmp_path: Path) -> None:
    draft = begun(tmp_path, "a")
    written(draft, "a", 1)
    os.truncate(tmp_path / "a.parquet", 50)
    with pytest.raises(Damaged, match="remove"):
        draft.commit({})


def test_receipts_not_at_hand_are_read_from_the_footers(tmp_path: Path) -> None:
    draft = begun(tmp_path, "a", "b")
    first, second = written(draft, "a", 1), written(draft, "b", 2, 3)
    assert draft.commit({"b": second}).shards == (first, second)


def test_versions_of_libraries_are_recorded_and_not_compared(tmp_path: Path) -> None:
    draft = begun(tmp_path, "a")
    draft.commit({"a": written(draft, "a", 1)}, made_with={"numpy": "2.0"})
    assert json.loads((tmp_path / COMMIT).read_text())["made_with"] == {"numpy": "2.0"}
    assert Manifest.open(draft.folder).lineage.fingerprint == draft.lineage.fingerprint


def test_an_image_with_rows_in_two_shards_is_told_with_both_places(tmp_path: Path) -> None:
    one, two, three = names(3)
    with pytest.raises(Unbalanced, match=r"00000 \(picture 1\) and 00001 \(picture 2\); .* keys_repeat: true"):
        images_manifest(tmp_path, [one, two, two, three], SHA256[:4], [2, 2])


def test_an_image_with_two_rows_in_one_shard_is_told(tmp_path: Path) -> None:
    one, two = names(2)
    with pytest.raises(Unbalanced, match=r"00000 \(picture 0\) and 00000 \(picture 2\)"):
        images_manifest(tmp_path, [one, two, one], SHA256[:3])


def test_an_image_may_stand_in_many_candidates(tmp_path: Path) -> None:
    a, b, c = sorted(names(3))
    assert candidates_manifest(tmp_path, [(a, b, 0.99, 0.1), (a, c, 0.99, 0.1)]).rows == 2


# ------------------------------------------------------------------ what was committed and changed since


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


HAS = r"should have \d+ bytes and has \d+: it was changed"


@pytest.mark.parametrize(("change", "what"), [(cut, HAS), (grow, HAS), (Path.unlink, "is gone: it was removed")])
def test_a_shard_that_is_gone_or_changed_after_its_commit_is_refused_saying_which(
    tmp_path: Path, change: Callable[[Path], None], what: str
) -> None:
    folder = images_manifest(tmp_path, names(4), SHA256[:4], [2, 2]).folder
    change(tmp_path / "00001.parquet")
    with pytest.raises(Refused, match=rf"00001\.parquet {what} after its commit; .* `blindpairs repair`"):
        Manifest.open(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"lineage": {}}', '{"lineage": {"new": 1}, "shards": []}'])
def test_a_commit_that_does_not_read_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    folder = images_manifest(tmp_path, names(1), SHA256[:1]).folder
    (tmp_path / COMMIT).write_text(text)
    with pytest.raises(Refused, match=r"_lineage\.json does not read .* name another run"):
        Manifest.open(folder)


def test_a_plan_that_does_not_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = begun(tmp_path, "a").folder
    (tmp_path / PLAN).write_bytes(b"\xff\xfe")
    with pytest.raises(Refused, match=r"_plan\.json does not read"):
        Draft.planned(folder)


# ------------------------------------------------------------------ reading


@pytest.fixture
def images(tmp_path: Path) -> Manifest:
    return images_manifest(tmp_path / "bilder größe 日本", names(9), SHA256, [4, 0, 5])


def test_a_manifest_opened_again_is_the_one_that_was_committed(images: Manifest) -> None:
    assert Manifest.open(images.folder) == images


def test_rows_come_in_the_order_of_the_shards(images: Manifest) -> None:
    batches = images.batches(("image_id",), rows=2)
    assert [name for batch in batches for name in batch.column(0).to_pylist()] == names(9)


def test_no_batch_is_larger_than_asked_for(images: Manifest) -> None:
    assert max(batch.num_rows for batch in images.batches(("image_id",), rows=2)) == 2


def test_only_the_columns_asked_for_are_read(images: Manifest) -> None:
    assert images.read("00000", ["key", "image_id"]).column_names == ["key", "image_id"]


def test_counts_are_those_of_all_shards(images: Manifest) -> None:
    assert (images.counts, images.rows) == (Counts(9, 9), 9)


def test_pyarrow_reads_the_folder_as_a_plain_dataset(images: Manifest) -> None:
    assert ds.dataset(images.folder.url).to_table().equals(images_table(names(9), SHA256))


def test_pyarrow_passes_over_what_is_half_written(images: Manifest) -> None:
    with images.folder.aside("00003.parquet") as path:
        path.write_bytes(b"half")
        assert ds.dataset(images.folder.url).count_rows() == 9


def test_pandas_reads_the_folder_as_a_plain_dataset(images: Manifest) -> None:
    assert pd.read_parquet(images.folder.url)["image_id"].tolist() == names(9)


def test_duckdb_reads_the_folder_as_a_plain_dataset(images: Manifest) -> None:
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(f"select image_id from '{images.folder.url}/*.parquet'").fetchall()
    assert [row[0] for row in found] == names(9)


def test_a_manifest_without_shards_can_be_committed_and_read(tmp_path: Path) -> None:
    images_manifest(tmp_path, [], [], [])
    manifest = Manifest.open(Folder(str(tmp_path)))
    assert (manifest.rows, manifest.columns, list(manifest.batches(("image_id",)))) == (0, [], [])


def test_a_manifest_of_shards_without_rows_has_columns(tmp_path: Path) -> None:
    assert images_manifest(tmp_path, [], [], [0]).columns == IMAGES.columns.names
