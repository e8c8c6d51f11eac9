"""A shard written again, and commits that follow one another."""

from __future__ import annotations

from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import cuts
from world.committed import candidates_manifest, committed, copies_manifest, images_manifest, names, scratch, sha256_of

from manifests.counts import Counts
from manifests.draft import Draft
from manifests.manifest import Manifest, Removed, content_of
from manifests.removal import Held, batches, put_shard
from manifests.shard import Part, read_receipt, write_shard
from manifests.storage import Folder
from manifests.tables import SKETCHES, embeddings


def made(folder: Path | str, kind: str) -> Manifest:
    ids = names(300)
    if kind == "images":
        return images_manifest(folder, ids, [sha256_of(place % 7) for place in range(300)])
    if kind == "copies":
        return copies_manifest(folder, dict(zip(ids[1:], ids, strict=False)))
    if kind == "candidates":
        return candidates_manifest(folder, [(*sorted(pair), 0.9, 0.1) for pair in pairwise(ids)])
    vectors = np.random.default_rng(0).random((300, 8), np.float32)
    columns = {"image_id": ids, "status": ["ok"] * 300, "error": [None] * 300}
    if kind == "sketches":
        table = pa.table({**columns, "digest": ids, "sketch": list(vectors)}, schema=SKETCHES.columns)
        return committed(folder, SKETCHES, table)
    schema = embeddings({"blind": 8, "reference": 8})
    return committed(
        folder, schema, pa.table({**columns, "blind": list(vectors), "reference": list(vectors)}, schema=schema.columns)
    )


def test_a_shard_written_again_says_as_before_how_it_was_computed(tmp_path: Path) -> None:
    folder, schema = Folder(str(tmp_path)), embeddings({"blind": 8})
    part = Part(schema.columns.empty_table(), Counts(1, 0, {"empty": 1}))
    write_shard(folder, "a", schema, [part], computed="float32 on CPU")
    assert put_shard(folder, "a", [part]).computed == "float32 on CPU"


@pytest.mark.parametrize("kind", ["images", "copies", "candidates", "sketches", "embeddings"])
def test_a_shard_of_which_nothing_goes_is_written_again_byte_for_byte(tmp_path: Path, kind: str) -> None:
    manifest = made(tmp_path, kind)
    name = manifest.shards[0].name
    before = (tmp_path / f"{name}.parquet").read_bytes()
    counts = read_receipt(manifest.folder, name).counts
    rows = pa.Table.from_batches(batches(manifest.folder, name))
    put_shard(manifest.folder, name, [Part(rows, counts)])
    assert (tmp_path / f"{name}.parquet").read_bytes() == before


def put_in_parts(folder: Folder, rows: pa.Table, sizes: list[int]) -> bytes:
    """The bytes of a shard written again out of parts of these sizes, each of which says what it counts."""
    parts = [
        Part(rows.slice(start, stop - start), Counts(stop - start, stop - start))
        for start, stop in pairwise(accumulate(sizes, initial=0))
    ]
    put_shard(folder, "00000", parts)
    with folder.open("00000.parquet") as file:
        return file.read()


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["images", "copies", "candidates", "sketches", "embeddings"]), st.data())
def test_the_bytes_of_a_shard_written_again_depend_on_its_rows_alone(kind: str, data: st.DataObject) -> None:
    with scratch() as url:
        folder = made(url, kind).folder
        rows = pa.Table.from_batches(batches(folder, "00000"))
        first, second = (put_in_parts(folder, rows, data.draw(cuts(rows.num_rows))) for _ in range(2))
    assert first == second


@pytest.mark.slow
def test_rows_of_several_pages_and_parts_are_written_again_with_the_same_bytes(tmp_path: Path) -> None:
    count, dice = 70_000, np.random.default_rng(0)
    ids = [dice.bytes(16).hex() for _ in range(count)]
    folder = images_manifest(tmp_path, ids, ids).folder
    rows = pa.Table.from_batches(batches(folder, "00000"))
    assert put_in_parts(folder, rows, [count]) == put_in_parts(folder, rows, [350] * 200)


def test_a_commit_says_what_went_and_its_states_are_of_the_shards_that_are_left(tmp_path: Path) -> None:
    first = images_manifest(tmp_path, names(20), [None] * 20, [10, 10])
    held = Held.of(first.folder)
    assert held is not None
    rows = pa.Table.from_batches(batches(first.folder, "00001")).slice(3)
    put_shard(first.folder, "00001", [Part(rows, Counts(7, 7))])
    receipts = held.receipts(["00001"])
    held.put(receipts, {}, {}, Removed("2026-01-01T00:00:00Z", "asked for", 3))
    now = Manifest.open(first.folder)
    assert (now.rows, now.counts, now.content) == (17, Counts(17, 17), content_of(now.shards))
    assert now.lineage == first.lineage
    assert now.removed == (Removed("2026-01-01T00:00:00Z", "asked for", 3),)
    again = Held.of(first.folder)
    assert again is not None
    again.put(again.receipts(["00001"]), {}, {}, now.removed[0])
    assert Manifest.open(first.folder).removed == now.removed, "the same removal is said once"


def test_what_was_taken_out_is_still_said_after_growth(tmp_path: Path) -> None:
    first = images_manifest(tmp_path, names(4), [None] * 4)
    held = Held.of(first.folder)
    assert held is not None
    held.put(held.receipts([]), {}, {}, Removed("2026-01-01T00:00:00Z", "asked for", 1))
    draft = Draft.grow(Manifest.open(first.folder), first.lineage, [{"name": "00000"}], {})
    planned = Draft.planned(first.folder)
    assert planned is not None
    assert planned.removed == draft.removed == draft.commit({}).removed
    assert len(Manifest.open(first.folder).removed) == 1


def test_a_step_made_of_it_follows_and_one_made_of_another_does_not(tmp_path: Path) -> None:
    value = {"made_of": {"images": "old"}, "lineage": {"inputs": {"images": "print"}}, "shards": [], "grown": []}
    (tmp_path / "_plan.json").write_text("{}")
    for was, expected in (("old", "new"), ("older", "old")):
        held = Held(
            Manifest(made(tmp_path / was, "copies").folder, None, ()).folder, {**value, "fingerprint": "own"}, None
        )
        held.put([], {"images": {"print": was}}, {"images": {"print": "new"}}, None)
        again = Held.of(held.folder)
        assert again is not None
        assert again.commit is not None
        assert again.commit["made_of"] == {"images": expected}
