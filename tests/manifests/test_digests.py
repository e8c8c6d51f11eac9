"""Digests: any other value of a row is noticed by whoever reads it, however the rows come in pieces."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import cuts
from world.committed import candidates_manifest, images_manifest, names, sha256_of
from world.rewriting import WAYS, rewrite, without_digests
from world.store import Bucket
from world.vectors import embeddings_manifest

from manifests.digests import Check, Stated, digests_of
from manifests.errors import Damaged, Refused
from manifests.manifest import COMMIT, Manifest, content_of
from manifests.removal import Held
from manifests.shard import Receipt, read_receipt
from manifests.storage import Folder
from manifests.unchanged import check_unchanged

texts = st.one_of(st.none(), st.text(max_size=3))
numbers = st.one_of(st.none(), st.floats(width=32, allow_nan=False))
KINDS = {
    "texts": (pa.string(), texts),
    "numbers": (pa.float32(), numbers),
    "whole numbers": (pa.int64(), st.one_of(st.none(), st.integers(-9, 9))),
    "vectors": (pa.list_(pa.float32(), 2), st.one_of(st.none(), st.tuples(numbers, numbers))),
    "lists": (pa.list_(pa.float64()), st.one_of(st.none(), st.lists(numbers, max_size=3))),
    "options": (pa.list_(pa.string()), st.one_of(st.none(), st.lists(texts, max_size=3))),
}


def table_of(kind: str, values: list[object]) -> pa.Table:
    return pa.table({"a": pa.array(values, KINDS[kind][0])})


@settings(deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_digest_is_of_the_values_and_not_of_the_pieces_they_come_in(kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(KINDS[kind][1], min_size=1, max_size=12))
    table, edge = table_of(kind, values), data.draw(st.integers(1, len(values)))
    groups = [(0, edge), (1, len(values) - edge)]
    stated = [digests_of(table.slice(0, edge))["a"], digests_of(table.slice(edge))["a"]]
    check, start = Check({"a": stated}, groups, Stated()), 0
    for size in data.draw(cuts(len(values))):
        check.add(table.slice(start, size))
        start += size


@settings(deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_other_values_have_another_digest(kind: str, data: st.DataObject) -> None:
    lists = st.lists(KINDS[kind][1], min_size=1, max_size=6)
    one, other = table_of(kind, data.draw(lists)), table_of(kind, data.draw(lists))
    same = repr(one.column("a").to_pylist()) == repr(other.column("a").to_pylist())
    assert (digests_of(one) == digests_of(other)) == same


# ------------------------------------------------------------------ what readers notice


COUNT = 600
READERS: dict[str, Callable[[Manifest], object]] = {
    "read": lambda manifest: manifest.read("00001", ["image_id", "clip"]),
    "read whole": lambda manifest: manifest.read("00001"),
    "batches": lambda manifest: list(manifest.batches(["clip"], 100)),
    "rows": lambda manifest: manifest.read_rows("00001", ["clip"], np.array([3])),
}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    vectors = np.random.default_rng(0).normal(size=(COUNT, 8)).astype("f4")
    return embeddings_manifest(tmp_path, names(COUNT), {"clip": vectors, "dino": vectors[:, :3]}, shard_rows=[300, 300])


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("way", WAYS)
def test_vectors_that_changed_places_are_noticed_by_every_reader(
    manifest: Manifest, tmp_path: Path, reader: str, way: str
) -> None:
    rewrite(tmp_path / "00001.parquet", ["clip"], way)
    found = Manifest.open(manifest.folder)
    remedy = "put the old file back, or run `blindpairs repair` to make it again"
    with pytest.raises(Damaged, match=rf"00001\.parquet was changed since it was written \(.*\); {remedy}"):
        READERS[reader](found)


def test_a_column_that_did_not_change_is_read_below_the_old_footer(manifest: Manifest, tmp_path: Path) -> None:
    before = manifest.read("00001", ["dino"])
    rewrite(tmp_path / "00001.parquet", ["clip"], "below the old footer")
    assert manifest.read("00001", ["dino"]).equals(before)


def test_a_row_group_that_did_not_change_is_read_and_its_neighbour_is_not(manifest: Manifest, tmp_path: Path) -> None:
    before = manifest.read_rows("00001", ["clip"], np.array([0, 255]))
    rewrite(tmp_path / "00001.parquet", ["clip"], "below the old footer", slice(256, None))
    assert manifest.read_rows("00001", ["clip"], np.array([0, 255])).equals(before)
    with pytest.raises(Damaged, match="its column clip holds other values"):
        manifest.read_rows("00001", ["clip"], np.array([0, 256]))


@pytest.mark.parametrize("column", ["sha256", "image_id"])
@pytest.mark.parametrize("way", WAYS)
def test_texts_that_changed_places_are_noticed(tmp_path: Path, column: str, way: str) -> None:
    images = images_manifest(tmp_path, names(20), [sha256_of(place) for place in range(20)])
    rewrite(tmp_path / "00000.parquet", [column], way)
    with pytest.raises(Damaged, match=r"00000\.parquet was changed"):
        list(images.batches([column]))


@pytest.mark.parametrize("way", WAYS)
def test_cosines_that_changed_places_are_noticed(tmp_path: Path, way: str) -> None:
    a, b, c = sorted(names(3))
    candidates = candidates_manifest(tmp_path, [(a, b, 0.99, 0.1), (a, c, 0.98, 0.2), (b, c, 0.97, 0.3)])
    rewrite(tmp_path / "00000.parquet", ["blind_cosine"], way)
    with pytest.raises(Damaged, match=r"00000\.parquet was changed"):
        candidates.read("00000")


@pytest.mark.slow
def test_any_byte_that_changed_is_noticed_or_harmless(tmp_path: Path) -> None:
    manifest = images_manifest(tmp_path, names(5), [sha256_of(place) for place in range(5)])
    path, whole = tmp_path / "00000.parquet", manifest.read("00000")
    good = path.read_bytes()
    for place in range(0, len(good), 7):
        data = bytearray(good)
        data[place] ^= 1 << (place % 8)
        path.write_bytes(data)
        try:
            assert Manifest.open(manifest.folder).read("00000").equals(whole), f"byte {place} was taken for data"
            assert place < len(good) - 8 - int.from_bytes(good[-8:-4], "little"), f"byte {place} is the footer's"
        except Damaged:
            continue


# ------------------------------------------------------------------ receipts and commits


def test_a_receipt_has_the_digest_of_its_footer_and_other_rows_have_another(manifest: Manifest, tmp_path: Path) -> None:
    receipt = manifest.shards[1]
    assert len(receipt.digest) == 32
    assert read_receipt(manifest.folder, "00001") == receipt
    rewrite(tmp_path / "00001.parquet", ["clip"], "by a script")
    again = read_receipt(manifest.folder, "00001")
    assert (again.rows, again.bytes, again.counts) == (receipt.rows, receipt.bytes, receipt.counts)
    assert again.digest != receipt.digest
    assert content_of([again]) != content_of([receipt])


def test_a_footer_that_is_not_the_committed_one_is_refused_at_a_look(manifest: Manifest, tmp_path: Path) -> None:
    check_unchanged(manifest.folder, manifest.shards)
    rewrite(tmp_path / "00001.parquet", ["clip"], "by a script")
    with pytest.raises(Refused, match=r"00001\.parquet was changed after its commit; put the old file back, or run"):
        check_unchanged(manifest.folder, manifest.shards)


@pytest.mark.parametrize("end", [b"no footer is here PAR1", b"\xff\xff\xff\x7fPAR1", b"\0\0\0\0PAR1", b"x"])
def test_a_file_without_a_footer_is_refused_at_a_look(manifest: Manifest, tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "00001.parquet"
    path.write_bytes(path.read_bytes()[: -len(end)] + end)
    with pytest.raises(Refused, match=r"00001\.parquet was changed after its commit"):
        check_unchanged(manifest.folder, manifest.shards)
    with pytest.raises(Damaged, match=r"00001\.parquet"):
        manifest.read("00001")


@pytest.mark.parametrize("way", WAYS)
def test_in_a_bucket_it_is_the_same(manifest: Manifest, tmp_path: Path, bucket: Bucket, way: str) -> None:
    rewrite(tmp_path / "00001.parquet", ["clip"], way)
    there = Folder(bucket.url("run/embeddings"))
    for path in tmp_path.iterdir():
        there.write(path.name, path.read_bytes())
    found = Manifest.open(there)
    assert found.read("00000").equals(manifest.read("00000"))
    with pytest.raises(Damaged, match=r"00001\.parquet was changed since it was written"):
        list(found.batches(["clip"]))
    if way == "by a script":
        with pytest.raises(Refused, match=r"00001\.parquet was changed after its commit"):
            check_unchanged(there, found.shards)


# ------------------------------------------------------------------ shards of a version that wrote none


def test_a_receipt_without_a_digest_reads_and_counts_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_digests(monkeypatch)
    old = images_manifest(tmp_path, names(4), [None] * 4, [2, 2])
    monkeypatch.undo()
    assert "digest" not in (tmp_path / COMMIT).read_text()
    assert [shard.digest for shard in old.shards] == ["", ""]
    assert [read_receipt(old.folder, shard.name) for shard in old.shards] == list(old.shards)
    assert Receipt.from_json(json.loads(json.dumps(old.shards[0].to_json()))) == old.shards[0]
    found = Manifest.open(old.folder)
    assert found.content == old.content == content_of(old.shards)
    check_unchanged(found.folder, found.shards)
    assert [row for batch in found.batches(["image_id"]) for row in batch.column(0).to_pylist()] == names(4)
    held = Held.of(old.folder)
    assert held is not None
    assert held.receipts(["00000", "00001"]) == list(old.shards)


def test_the_footer_is_as_it_was_but_for_the_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = images_manifest(tmp_path / "new", names(4), [None] * 4)
    without_digests(monkeypatch)
    images_manifest(tmp_path / "old", names(4), [None] * 4)
    tables = [pq.read_table(tmp_path / name / "00000.parquet") for name in ("new", "old")]
    assert tables[0].equals(tables[1])
    digests = json.loads(pq.read_metadata(tmp_path / "new" / "00000.parquet").metadata[b"digests"])
    assert digests.keys() == set(new.columns)
    assert {len(groups) for groups in digests.values()} == {1}


def test_a_long_footer_is_read_whole(tmp_path: Path) -> None:
    vectors = np.ones((256 * 150, 2), "f4")
    manifest = embeddings_manifest(tmp_path, names(len(vectors)), {f"e{place}": vectors for place in range(3)})
    assert read_receipt(Folder(str(tmp_path)), "00000") == manifest.shards[0]
    data = (tmp_path / "00000.parquet").read_bytes()
    assert int.from_bytes(data[-8:-4], "little") > 64 << 10
