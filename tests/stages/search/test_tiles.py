"""Tiles: every pair of rows in exactly one, and tasks that stay small however many shards there are."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.vectors import committed, embeddings_manifest, names

from manifests.counts import Counts
from manifests.errors import Unbalanced
from manifests.shard import Receipt
from manifests.tables import embeddings
from stages.search.tiles import read_block, tiles

VECTORS = np.arange(36, dtype=np.float32).reshape(12, 3)


def shards(*rows: int) -> list[Receipt]:
    return [Receipt(f"laion-{place:05d}", count, 0, Counts(count, count)) for place, count in enumerate(rows)]


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 12))
def test_every_pair_of_rows_lies_in_exactly_one_tile(rows: list[int], block_rows: int) -> None:
    pairs: Counter[tuple[int, int]] = Counter()
    for task in tiles(shards(*rows), block_rows):
        left, right = range(*task.facts["left"]), range(*task.facts["right"])
        pairs.update((i, j) for i in left for j in right if i < j or left != right)
    assert pairs == Counter((i, j) for j in range(sum(rows)) for i in range(j))


@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 12))
def test_no_block_is_larger_than_asked_for(rows: list[int], block_rows: int) -> None:
    assert all(0 < len(range(*task.facts["left"])) <= block_rows for task in tiles(shards(*rows), block_rows))


def test_tasks_have_names_of_their_own() -> None:
    tasks = tiles(shards(100, 100), 7)
    assert len({task.name for task in tasks}) == len(tasks)


@pytest.mark.parametrize("rows", [[1000] * 1000, [10] * 100_000], ids=["a million in 1,000 shards", "in 100,000"])
def test_a_task_is_a_few_bytes(rows: list[int]) -> None:
    tasks = tiles(shards(*rows), 8192)
    assert max(len(json.dumps(task.to_json())) for task in tasks) < 100
    assert max(len(pickle.dumps(task)) for task in tasks) < 200


def test_nothing_to_search_is_no_task() -> None:
    assert tiles(shards(), 10) == tiles(shards(0, 0), 10) == []


def test_a_block_holds_its_rows_wherever_they_lie(tmp_path: Path) -> None:
    manifest = embeddings_manifest(tmp_path, names(12), {"clip": VECTORS}, shard_rows=[5, 0, 1, 6], rejected={4, 6})
    for start, stop in combinations(range(13), 2):
        rows = [row for row in range(start, stop) if row not in (4, 6)]
        block = read_block(manifest, [start, stop], "clip")
        assert block.ids.to_pylist() == [names(12)[row] for row in rows]
        assert np.array_equal(block.vectors, VECTORS[rows])


def test_a_block_of_rejected_images_alone_is_empty(tmp_path: Path) -> None:
    manifest = embeddings_manifest(tmp_path, names(2), {"clip": np.ones((2, 3), np.float32)}, rejected={0, 1})
    assert read_block(manifest, [0, 2], "clip").vectors.shape == (0, 3)


def test_float16_vectors_are_read_as_float32(tmp_path: Path) -> None:
    manifest = embeddings_manifest(tmp_path, names(2), {"clip": np.ones((2, 3))}, dtype=pa.float16())
    assert read_block(manifest, [0, 2], "clip").vectors.dtype == np.float32


def test_an_image_that_is_ok_and_has_no_vector_is_told_and_shifts_none(tmp_path: Path) -> None:
    lists = pa.array([[1.0, 0.0], None, [0.0, 1.0]], pa.list_(pa.float32(), 2))
    columns = {"image_id": names(3), "status": ["ok"] * 3, "error": pa.nulls(3, pa.string()), "clip": lists}
    manifest = committed(tmp_path, embeddings({"clip": 2}), pa.table(columns))
    with pytest.raises(Unbalanced, match="1 images are ok but have no vector of clip"):
        read_block(manifest, [0, 3], "clip")
