"""Search: no pair lost, none invented, each once, by every complete method, with every comparison counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import (
    World,
    at_cosine,
    brute_force,
    compared,
    cosine,
    cuts,
    exact_cosine,
    standing,
    unit,
    worlds,
)
from world.committed import names, scratch
from world.vectors import embeddings_manifest, search_of, search_reads, searched, searched_in

from manifests.counts import Counts
from manifests.manifest import Manifest

few = settings(max_examples=30, deadline=None)
METHODS = ("exact", "flat")
methods = pytest.mark.parametrize("method", METHODS)


def lengths(world: World) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(1, world.blind.shape[1])


@pytest.mark.slow
@few
@given(worlds(), st.data())
def test_no_pair_is_lost_and_none_invented_and_both_cosines_are_exact_to_twelve_digits(
    world: World, data: st.DataObject
) -> None:
    block_rows, shard_rows = data.draw(st.integers(1, 30)), data.draw(cuts(len(world.ids)))
    place, pairs = {name: row for row, name in enumerate(world.ids)}, brute_force(world)
    with scratch() as folder:
        manifest, length = world.manifest(f"{folder}/embeddings", shard_rows), data.draw(lengths(world))
        reads = search_reads(manifest, folder, world.sha256, floor=world.floor, length=length)
        for method in METHODS:
            _, found = searched_in(reads, method=method, min_cosine=world.floor, block_rows=block_rows)
            assert set(found) == pairs
            for (left, right), cosines in found.items():
                i, j = place[left], place[right]
                exact = [exact_cosine(side[i], side[j]) for side in (world.blind, world.reference)]
                assert np.allclose(cosines, exact, rtol=0, atol=1e-12)


@pytest.mark.slow
@few
@given(worlds(), st.integers(1, 30), st.sampled_from((None, 1, 2, 5)))
def test_every_comparison_is_counted_with_its_reason_and_as_many_are_expected(
    world: World, block_rows: int, cap: int | None
) -> None:
    there, alone, near = len(compared(world)), len(standing(world)), len(brute_force(world))
    all_pairs, pairs = there * (there - 1) // 2, alone * (alone - 1) // 2
    with scratch() as folder:
        manifest = world.manifest(f"{folder}/embeddings", [len(world.ids)])
        reads = search_reads(manifest, folder, world.sha256, floor=world.floor)
        asked = {"min_cosine": world.floor, "block_rows": block_rows}
        assert search_of(**asked).expected(reads) == all_pairs
        for method in METHODS:
            parts, found = searched_in(reads, method=method, max_per_image=cap, **asked)
            reasons = {
                "blind_cosine_below_floor": pairs - near,
                "image_is_a_copy": all_pairs - pairs,
                "over_max_per_image": near - len(found),
            }
            counts = sum((part.counts for part in parts), Counts())
            assert counts == Counts(all_pairs, len(found), {name: count for name, count in reasons.items() if count})


def near_the_border(pairs: int, dim: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Vectors with so many pairs within 2e-7 of cosine 0.95, and which rows these are."""
    random = np.random.default_rng(95)
    bases = unit(random.normal(size=(pairs // 40, dim)))
    near = [at_cosine(base, 0.95 + random.uniform(-2e-7, 2e-7), random) for base in bases for _ in range(40)]
    return np.concatenate([bases, near]), [(row // 40, len(bases) + row) for row in range(len(near))]


@pytest.fixture(scope="module")
def border(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, set[tuple[str, str]]]:
    """Embeddings with two thousand pairs on the border, and those of them that reach it."""
    vectors, pairs = near_the_border(2000, 768)
    ids = sorted(names(len(vectors)))
    both = {"blind": vectors, "reference": unit(vectors[:, :4])}
    above = {(ids[i], ids[j]) for i, j in pairs if cosine(vectors[i], vectors[j]) >= 0.95}
    assert 700 < len(above) < 1300
    return embeddings_manifest(tmp_path_factory.mktemp("border"), ids, both), above


@pytest.mark.slow
@pytest.mark.parametrize(
    ("length", "ways"),
    [(None, [("exact", 8192), ("exact", 700), ("flat", 8192)]), (16, [("exact", 700)]), (768, [("exact", 8192)])],
    ids=str,
)
def test_of_thousands_on_the_border_exactly_those_at_or_above_it_are_found(
    border: tuple[Manifest, set[tuple[str, str]]], length: int | None, ways: list[tuple[str, int]]
) -> None:
    manifest, above = border
    with scratch() as folder:
        reads = search_reads(manifest, folder, floor=0.95, length=length)
        for method, block_rows in ways:
            found = searched_in(reads, method=method, min_cosine=0.95, block_rows=block_rows)[1]
            assert set(found) == above, (method, block_rows)


@pytest.mark.slow
def test_vectors_stored_as_float16_are_searched_as_they_are_stored(tmp_path: Path) -> None:
    vectors, _ = near_the_border(400, 64)
    ids = sorted(names(len(vectors)))
    stored = vectors.astype(np.float16).astype(np.float32)
    half = {"blind": vectors, "reference": unit(vectors[:, :4])}
    _, found = searched(embeddings_manifest(tmp_path, ids, half, dtype=pa.float16()), min_cosine=0.95)
    rows = range(len(ids))
    assert set(found) == {(ids[i], ids[j]) for i in rows for j in rows[i + 1 :] if cosine(stored[i], stored[j]) >= 0.95}


@methods
@pytest.mark.parametrize("dim", [1, 3, 768])
def test_a_floor_of_one_finds_equal_vectors(tmp_path: Path, method: str, dim: int) -> None:
    blind = np.tile(unit(np.random.default_rng(1).normal(size=(1, dim))), (5, 1))
    reference = unit(np.random.default_rng(2).normal(size=(5, 3)))  # told apart by these, or they were copies
    manifest = embeddings_manifest(tmp_path, names(5), {"blind": blind, "reference": reference})
    _, found = searched(manifest, min_cosine=1.0, method=method)
    assert [first for first, _ in found.values()] == [1.0] * 10


@pytest.mark.parametrize("count", [0, 1, 2])
@methods
def test_so_few_images_are_searched_too(tmp_path: Path, method: str, count: int) -> None:
    vectors = unit(np.array([[1.0, 1e-4], [1.0, 2e-4]]))[:count]
    manifest = embeddings_manifest(tmp_path, names(count), {"blind": vectors, "reference": vectors})
    assert len(searched(manifest, method=method)[1]) == count // 2


@pytest.mark.parametrize("length", [None, 2])
def test_a_manifest_of_rejected_images_alone_is_searched_too(tmp_path: Path, length: int | None) -> None:
    ones = unit(np.ones((3, 2)))
    manifest = embeddings_manifest(tmp_path, names(3), {"blind": ones, "reference": ones}, rejected=range(3))
    parts, found = searched(manifest, length=length)
    assert (sum((part.counts for part in parts), Counts()), found) == (Counts(), {})


def test_the_settings_of_a_search_are_plain_json() -> None:
    assert json.loads(json.dumps(search_of().settings)) == search_of().settings
