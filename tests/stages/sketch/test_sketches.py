"""Sketches: a row for each row of the embeddings, in their order; a reason for what cannot be compared."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from world.adversaries import World, unit, worlds
from world.committed import committed, names, scratch
from world.vectors import embeddings_manifest, made

from manifests.counts import Counts
from manifests.errors import Unbalanced
from manifests.manifest import Manifest
from manifests.tables import DIRECTIONS, embeddings
from stages.base import Machine
from stages.sketch.stage import Sketch
from stages.vectors.sketch import sketched
from stages.vectors.sound import NOT_FINITE, NOT_UNIT, SENTENCES

REFERENCE = unit(np.random.default_rng(9).normal(size=(1, 3)))


def directions(rows: np.ndarray, folder: Path | str) -> Manifest:
    columns = {"direction": range(len(rows)), "vector": list(rows), "share": [0.0] * len(rows)}
    return committed(folder, DIRECTIONS, pa.table(columns, schema=DIRECTIONS.columns))


def rows_of(blind: np.ndarray, reference: np.ndarray, **how: Any) -> list[dict[str, Any]]:
    """The sketches table of these vectors, along all axes but the last."""
    with scratch() as folder:
        vectors = {"blind": np.asarray(blind, np.float32), "reference": np.asarray(reference, np.float32)}
        manifest = embeddings_manifest(f"{folder}/in", names(len(blind)), vectors, **how)
        reads = {"embeddings": manifest, "directions": directions(np.eye(blind.shape[1])[:-1], f"{folder}/along")}
        found = made(Sketch("blind", "reference"), reads, f"{folder}/out")
        assert [shard.rows for shard in found.shards] == [shard.rows for shard in manifest.shards]
        return [row for batch in found.batches(found.columns) for row in batch.to_pylist()]


def alike(i: dict[str, Any], j: dict[str, Any]) -> bool:
    return i["digest"] == j["digest"]


@settings(max_examples=30, deadline=None)
@given(worlds())
def test_each_row_has_its_sketch_or_its_reason(world: World) -> None:
    rows = rows_of(world.blind, world.reference, rejected=world.rejected, shard_rows=[len(world.ids)])
    assert [row["image_id"] for row in rows] == world.ids
    for place, row in enumerate(rows):
        if place in world.rejected:
            assert (row["status"], row["error"]) == ("truncated", "it ends early")
        elif place in world.unsound:
            assert row["status"] == (NOT_UNIT if np.isfinite(world.blind[place]).all() else NOT_FINITE)
            assert row["error"] == SENTENCES[row["status"]]
        else:
            along = np.eye(world.blind.shape[1])[:-1]
            assert (row["status"], row["error"]) == ("ok", None)
            assert np.allclose(row["sketch"], sketched(world.blind[place : place + 1], along)[0], rtol=0, atol=1e-7)
        assert (row["sketch"] is None) == (row["digest"] is None) == (row["status"] != "ok")


@settings(max_examples=30, deadline=None)
@given(worlds())
def test_two_digests_are_equal_exactly_where_both_vectors_are(world: World) -> None:
    rows = rows_of(world.blind, world.reference, rejected=world.rejected)
    ok = [place for place, row in enumerate(rows) if row["status"] == "ok"]
    for i in ok:
        for j in ok:
            same = all(np.array_equal(side[i], side[j]) for side in (world.blind, world.reference))
            assert alike(rows[i], rows[j]) == same


def test_a_digest_is_the_sha256_of_the_numbers_of_both_vectors() -> None:
    blind, reference = unit(np.array([[1.0, 2.0, 0.0]])), REFERENCE
    (row,) = rows_of(blind, reference)
    assert row["digest"] == hashlib.sha256(blind.tobytes() + reference.tobytes()).hexdigest()[:32]


def test_minus_zero_is_zero_and_the_last_bit_is_not() -> None:
    next_up = [np.nextafter(np.float32(0.6), np.float32(1)), 0.8, 0.0]
    rows = rows_of(np.array([[0.6, 0.8, 0.0], [0.6, 0.8, -0.0], next_up]), np.tile(REFERENCE, (3, 1)))
    assert (alike(rows[0], rows[1]), alike(rows[0], rows[2])) == (True, False)


def test_what_only_one_encoder_cannot_tell_apart_has_two_digests() -> None:
    blind = unit(np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 0]]))
    rows = rows_of(blind, unit(np.array([[1.0, 0, 0], [1, 0, 0], [0, 1, 0]])))
    assert len({row["digest"] for row in rows}) == 3


def test_an_unsound_reference_vector_is_told_too_the_blind_ones_reason_first() -> None:
    reference = np.array([[np.nan, 0, 0], [0, 0, 0], [np.inf, 0, 0]])
    rows = rows_of(np.array([[1.0, 0, 0], [0, 1, 0], [3, 0, 0]]), reference)
    assert [row["status"] for row in rows] == [NOT_FINITE, NOT_UNIT, NOT_UNIT]


@pytest.mark.parametrize("dtype", [pa.float32(), pa.float16()])
def test_every_vector_is_counted_as_ok_or_with_its_reason(tmp_path: Path, dtype: pa.DataType) -> None:
    blind = np.concatenate([unit(np.random.default_rng(1).normal(size=(9, 4))), np.zeros((2, 4)), [[np.nan] * 4]])
    vectors = {"blind": blind, "reference": np.tile(REFERENCE, (12, 1))}
    how = {"shard_rows": [5, 0, 7], "rejected": {0, 7}, "dtype": dtype}
    reads = {"embeddings": embeddings_manifest(tmp_path / "in", names(12), vectors, **how)}
    reads["directions"] = directions(np.eye(4)[:2], tmp_path / "along")
    found = made(Sketch("blind", "reference"), reads, tmp_path / "out")
    assert found.counts == Counts(12, 7, {NOT_FINITE: 1, NOT_UNIT: 2, "truncated": 2})


def test_along_no_direction_a_sketch_is_one_number_that_bounds_all(tmp_path: Path) -> None:
    ones = unit(np.ones((2, 4)))
    reads = {"embeddings": embeddings_manifest(tmp_path / "in", names(2), {"blind": ones, "reference": ones})}
    reads["directions"] = directions(np.zeros((0, 4)), tmp_path / "along")
    table = made(Sketch("blind", "reference"), reads, tmp_path / "out").read("00000")
    ((first,), (second,)) = table.column("sketch").to_pylist()
    assert 1 < first == second < 1 + 1e-6


def test_one_encoder_in_both_roles_is_read_once_and_sketched(tmp_path: Path) -> None:
    stage = Sketch("blind", "blind")
    reads = {"embeddings": embeddings_manifest(tmp_path / "in", names(2), {"blind": np.eye(2)})}
    reads["directions"] = directions(np.eye(2), tmp_path / "along")
    assert made(stage, reads, tmp_path / "out").counts == Counts(2, 2)
    assert stage.columns == ("image_id", "status", "error", "blind")


def test_an_image_that_is_ok_and_has_no_vector_is_told() -> None:
    lists = pa.array([[1.0, 0.0], None, [0.0, 1.0]], pa.list_(pa.float32(), 2))
    columns = {"image_id": names(3), "status": ["ok"] * 3, "error": pa.nulls(3, pa.string()), "clip": lists}
    stage = Sketch("clip", "clip")
    stage.setup(Machine())
    with pytest.raises(Unbalanced, match="1 images are ok but have no vector"):
        stage.transform(pa.table(columns, schema=embeddings({"clip": 2}).columns))


def test_its_settings_are_plain_json() -> None:
    value = Sketch("a", "b").settings
    assert json.loads(json.dumps(value)) == value == {"search": {"blind": "a", "reference": "b"}}
