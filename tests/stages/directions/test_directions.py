"""Directions: those of the vectors' singular values, on a draw that is the same each time and spread evenly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.adversaries import unit
from world.committed import names
from world.vectors import embeddings_manifest, made, searched

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.manifest import Manifest
from stages.directions.settings import SketchSettings
from stages.directions.stage import RUN, Directions, drawn, drawn_rows, principal


def stage_of(floor: float = 0.95, **settings: int) -> Directions:
    return Directions(SketchSettings(**settings), "blind", floor)


def manifest_of(vectors: np.ndarray, folder: Path, **how: object) -> Manifest:
    vectors = np.asarray(vectors, np.float32)
    ids = names(len(vectors))
    return embeddings_manifest(folder, ids, {"blind": vectors, "reference": vectors}, **how)


@pytest.mark.parametrize(("count", "dim", "rank"), [(50, 7, 7), (200, 32, 32), (5, 9, 5), (40, 16, 3), (60, 64, 1)])
def test_the_first_directions_span_what_the_first_singular_vectors_do(count: int, dim: int, rank: int) -> None:
    random = np.random.default_rng(dim)
    scale = 2.0 ** -np.arange(rank) if rank < 10 else 0.9 ** np.arange(rank)
    vectors = (random.normal(size=(count, rank)) * scale) @ np.linalg.qr(random.normal(size=(dim, rank)))[0].T
    vectors = unit(vectors)
    directions, shares = principal(vectors)
    _, values, right = np.linalg.svd(vectors.astype(float), full_matrices=False)
    assert np.abs(directions @ directions.T - np.eye(dim)).max() < 1e-13
    assert np.allclose(shares[: len(values)], values**2 / (values**2).sum(), atol=1e-5)
    assert (np.diff(shares) <= 0).all()
    for first in range(1, rank):
        if values[first] < 0.8 * values[first - 1]:
            ours, theirs = (rows[:first].T @ rows[:first] for rows in (directions, right))
            assert np.abs(ours - theirs).max() < 1e-3


def test_no_other_directions_hold_more_of_the_vectors() -> None:
    random = np.random.default_rng(0)
    vectors = unit(random.normal(size=(300, 24)) * 0.8 ** np.arange(24) + 0.3)
    directions, shares = principal(vectors)
    for count in (1, 4, 12):
        held = ((vectors @ directions[:count].T) ** 2).sum() / len(vectors)
        assert np.isclose(held, shares[:count].sum(), atol=1e-5)
        for _ in range(20):
            others = np.linalg.qr(random.normal(size=(24, count)))[0]
            assert ((vectors @ others) ** 2).sum() / len(vectors) < held


@given(st.integers(0, 100_000), st.integers(2, 10_000))
def test_the_rows_drawn_are_few_ascending_and_evenly_spread(rows: int, most: int) -> None:
    found = drawn_rows(rows, most)
    assert len(found) <= min(rows, most)
    assert (np.diff(found) > 0).all()
    if rows <= most:
        assert found.tolist() == list(range(rows))
        return
    assert (found[0], found[-1] < rows) == (0, True)
    runs = -(-most // RUN)
    longest_gap = np.diff(np.append(found, rows)).max()
    assert longest_gap <= -(-rows // runs)
    assert len(found) > min(most, rows) / 2


def test_drawn_are_the_sound_vectors_of_these_rows_wherever_they_lie(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(300, 4)))
    vectors[[40, 130]], vectors[41] = 0.0, np.nan
    manifest = manifest_of(vectors, tmp_path, shard_rows=[7, 0, 93, 200], rejected={0, 150, 299})
    there = [row for row in drawn_rows(300, 96) if row not in {0, 150, 299, 40, 130, 41}]
    assert 80 < len(there) < 96
    assert np.array_equal(drawn(manifest, "blind", 96), vectors[there])


@pytest.mark.parametrize("dtype", [pa.float32(), pa.float16()])
def test_the_table_holds_orthonormal_rows_and_what_each_holds(tmp_path: Path, dtype: pa.DataType) -> None:
    manifest = manifest_of(unit(np.random.default_rng(2).normal(size=(50, 6))), tmp_path / "in", dtype=dtype)
    table = made(stage_of(length=4), {"embeddings": manifest}, tmp_path / "out").read("all").to_pydict()
    rows = np.array(table["vector"])
    assert table["direction"] == [1, 2, 3, 4]
    assert np.array_equal(rows, principal(drawn(manifest, "blind", 50))[0][:4])
    assert np.abs(rows @ rows.T - np.eye(4)).max() < 1e-13
    assert sorted(table["share"], reverse=True) == table["share"]
    assert 4 / 6 < sum(table["share"]) < 1


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("length", [None, 3, 5])
def test_so_few_images_have_directions_too(tmp_path: Path, count: int, length: int | None) -> None:
    manifest = manifest_of(unit(np.eye(5)[:count] + 1), tmp_path / "in")
    found = made(stage_of(length=length) if length else stage_of(), {"embeddings": manifest}, tmp_path / "out")
    assert found.counts == Counts(found.rows, found.rows)
    if length and count:
        assert found.rows == length
    assert (found.rows > 0) == (count > 0)


@pytest.mark.parametrize("shard_rows", [[], [0, 0]])
def test_without_images_there_are_no_directions(tmp_path: Path, shard_rows: list[int]) -> None:
    manifest = manifest_of(np.zeros((0, 3)), tmp_path / "in", shard_rows=shard_rows)
    assert made(stage_of(length=2), {"embeddings": manifest}, tmp_path / "out").rows == 0


def test_where_every_image_drawn_is_rejected_the_search_finds_its_pairs_all_the_same(tmp_path: Path) -> None:
    vectors, out = unit(np.ones((90, 4)) + 0.01 * np.random.default_rng(4).normal(size=(90, 4))), range(32)
    manifest = manifest_of(vectors, tmp_path / "in", rejected=out)
    directions = made(stage_of(draw=2), {"embeddings": manifest}, tmp_path / "out")
    assert directions.rows == 0
    _, found = searched(manifest, draw=2, max_per_image=None)
    assert len(found) == 58 * 57 // 2


def test_a_sketch_longer_than_the_vectors_is_refused_by_name(tmp_path: Path) -> None:
    manifest = manifest_of(np.eye(3), tmp_path, shard_rows=[1, 2], rejected={0})
    with pytest.raises(Refused, match=r"sketch\.length 4 is more than the 3 numbers of a vector of blind"):
        stage_of(length=4).plan({"embeddings": manifest})
    assert len(stage_of(length=3).plan({"embeddings": manifest})) == 1


def test_its_settings_are_plain_json() -> None:
    value = stage_of(length=3, draw=64).settings
    assert json.loads(json.dumps(value)) == value
    assert value["sketch"] == {"length": 3, "draw": 64}
