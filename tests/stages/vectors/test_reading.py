"""Reading: vectors by row, wherever they lie, and none taken for another image's."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import cuts
from world.committed import committed, names, scratch
from world.vectors import embeddings_manifest

from manifests.counts import Counts
from manifests.errors import Unbalanced
from manifests.shard import Receipt
from manifests.tables import DIRECTIONS, embeddings
from stages.vectors.reading import directions_of, matrix, stretches, vectors_at

VECTORS = np.arange(36, dtype=np.float32).reshape(12, 3)
IDS = pa.array(names(12))


def places(*rows: int) -> np.ndarray:
    return np.array(rows, np.int64)


def shards(sizes: list[int]) -> list[Receipt]:
    return [Receipt(f"{place:05d}", count, 0, Counts(count, count)) for place, count in enumerate(sizes)]


@settings(deadline=None)
@given(cuts(12))
def test_stretches_are_the_rows_asked_for_shard_by_shard(sizes: list[int]) -> None:
    of_row = [(f"{shard:05d}", row) for shard, count in enumerate(sizes) for row in range(count)]
    for start, stop in combinations(range(13), 2):
        found = [(shard.name, row) for shard, rows in stretches(shards(sizes), (start, stop)) for row in range(*rows)]
        assert found == of_row[start:stop]


@settings(max_examples=30, deadline=None)
@given(cuts(12), st.sets(st.integers(0, 11)))
def test_vectors_come_by_row_wherever_they_lie(sizes: list[int], rows: set[int]) -> None:
    wanted = places(*sorted(rows))
    with scratch() as folder:
        manifest = embeddings_manifest(folder, names(12), {"clip": VECTORS}, shard_rows=sizes)
        found = vectors_at(manifest, "clip", wanted, IDS.take(pa.array(wanted)))
    assert found.dtype == np.float32
    assert np.array_equal(found, VECTORS[wanted] if rows else np.zeros((0, 0)))


def test_rows_that_are_rejected_shift_no_vector(tmp_path: Path) -> None:
    manifest = embeddings_manifest(tmp_path, names(12), {"clip": VECTORS}, shard_rows=[5, 0, 1, 6], rejected={4, 6})
    there = places(0, 3, 5, 7, 11)
    assert np.array_equal(vectors_at(manifest, "clip", there, IDS.take(pa.array(there))), VECTORS[there])


def test_an_image_that_is_ok_and_has_no_vector_is_told_and_shifts_none(tmp_path: Path) -> None:
    lists = pa.array([[1.0, 0.0], None, [0.0, 1.0]], pa.list_(pa.float32(), 2))
    columns = {"image_id": names(3), "status": ["ok"] * 3, "error": pa.nulls(3, pa.string()), "clip": lists}
    manifest = committed(tmp_path, embeddings({"clip": 2}), pa.table(columns))
    with pytest.raises(Unbalanced, match="clip: 1 images are ok but have no vector"):
        vectors_at(manifest, "clip", places(0, 1, 2), pa.array(names(3)))


def test_another_image_in_a_row_is_told(tmp_path: Path) -> None:
    manifest = embeddings_manifest(tmp_path, names(12), {"clip": VECTORS})
    with pytest.raises(Unbalanced, match="not in the order of the sketches"):
        vectors_at(manifest, "clip", places(2, 4), pa.array([names(12)[4], names(12)[2]]))


def test_float16_vectors_are_read_as_float32(tmp_path: Path) -> None:
    manifest = embeddings_manifest(tmp_path, names(12), {"clip": VECTORS}, dtype=pa.float16())
    found = vectors_at(manifest, "clip", places(1, 2), IDS.slice(1, 2))
    assert (found.dtype, found.tolist()) == (np.dtype(np.float32), VECTORS[1:3].tolist())


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_(pa.float32(), 2), pa.list_(pa.float16(), 2)])
def test_a_matrix_is_the_lists_of_all_chunks(kind: pa.DataType) -> None:
    lists = pa.chunked_array([pa.array([[9, 9], [0, 1]], kind).slice(1), pa.array([[2, 3], [4, 5]], kind)])
    assert matrix(lists, "here").tolist() == [[0, 1], [2, 3], [4, 5]]
    assert matrix(lists.slice(1, 2), "here").tolist() == [[2, 3], [4, 5]]


def test_no_lists_are_a_matrix_of_their_length() -> None:
    fixed, free = pa.chunked_array([], pa.list_(pa.float32(), 7)), pa.chunked_array([], pa.list_(pa.float32()))
    assert (matrix(fixed, "here").shape, matrix(free, "here").shape) == ((0, 7), (0, 0))


def test_directions_come_as_they_were_written_to_the_last_bit(tmp_path: Path) -> None:
    rows = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    table = pa.table([pa.array(range(5)), pa.array(list(rows)), pa.array(rows[0])], schema=DIRECTIONS.columns)
    assert np.array_equal(directions_of(committed(tmp_path, DIRECTIONS, table, [2, 3])), rows)
