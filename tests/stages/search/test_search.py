"""Search: no pair lost, none invented, each once, with the same digits however the work is cut."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.vectors import embeddings_manifest, names, scratch, search_of, searched

from manifests.counts import Counts
from manifests.manifest import Manifest

TESTS = Path(__file__).parents[2]
FLOORS = (0.95, 1.0, 0.999999, 0.5, 0.0, -0.5, -0.9999999)
KINDS = ("new", "equal", "nearly equal", "opposite", "on the border", "along an axis")
few = settings(max_examples=30, deadline=None)


@dataclass(frozen=True)
class World:
    """Vectors of every awkward kind, how they are stored, and the floor they lie about."""

    ids: list[str]
    blind: np.ndarray
    reference: np.ndarray
    rejected: frozenset[int]
    floor: float

    def manifest(self, folder: str, shard_rows: Sequence[int], order: Sequence[int] | None = None) -> Manifest:
        order = list(range(len(self.ids))) if order is None else order
        return embeddings_manifest(
            folder,
            [self.ids[place] for place in order],
            {"blind": self.blind[order], "reference": self.reference[order]},
            shard_rows=shard_rows,
            rejected={new for new, old in enumerate(order) if old in self.rejected},
        )


def unit(vector: np.ndarray) -> np.ndarray:
    return (vector / np.sqrt((vector * vector).sum(-1, keepdims=True))).astype(np.float32)


def at_cosine(vector: np.ndarray, cosine: float, random: np.random.Generator) -> np.ndarray:
    """A float32 unit vector at this cosine of another one, as near as float32 allows."""
    wide, other = vector.astype(float), random.normal(size=len(vector))
    other -= wide * (other @ wide)
    length = np.sqrt(other @ other)
    beside = other / length if length > 1e-9 else 0.0  # in one dimension there is no other direction
    return unit(cosine * wide + math.sqrt(1 - cosine**2) * beside) if len(vector) > 1 else vector


def one_more(kind: str, vectors: list[np.ndarray], dim: int, floor: float, random: np.random.Generator) -> np.ndarray:
    earlier = vectors[random.integers(len(vectors))] if vectors else np.eye(1, dim, dtype=np.float32)[0]
    if kind == "along an axis":
        return np.eye(dim, dtype=np.float32)[random.integers(dim)]
    if kind == "on the border":
        return at_cosine(earlier, floor, random)
    noise = random.normal(size=dim)
    kinds = {"new": noise, "equal": earlier, "opposite": -earlier, "nearly equal": earlier + 1e-7 * noise}
    return unit(kinds[kind].astype(float)) if kind in ("new", "nearly equal") else kinds[kind]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    dim, floor = draw(st.sampled_from((1, 2, 3, 16, 64))), draw(st.sampled_from(FLOORS))
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=24))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    vectors: list[np.ndarray] = []
    for kind in kinds:
        vectors.append(one_more(kind, vectors, dim, floor, random))
    blind = np.array(vectors, dtype=np.float32).reshape(-1, dim)
    rejected = draw(st.frozensets(st.integers(0, 24), max_size=4)) & frozenset(range(len(kinds)))
    reference = unit(random.normal(size=(len(kinds), 5)))
    return World(names(len(kinds)), blind, reference, rejected, floor)


@st.composite
def cuts(draw: st.DrawFn, rows: int) -> list[int]:
    edges = sorted(draw(st.lists(st.integers(0, rows), max_size=4)))
    return [b - a for a, b in zip([0, *edges], [*edges, rows], strict=True)]


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    """As the definition reads, in float64."""
    x, y = x.astype(float), y.astype(float)
    return min(1.0, max(-1.0, float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))))


def exact_cosine(x: np.ndarray, y: np.ndarray) -> float:
    """With sums that are rounded once."""
    x, y = x.astype(float).tolist(), y.astype(float).tolist()
    dot, xx, yy = (math.fsum(a * b for a, b in zip(*sides, strict=True)) for sides in ((x, y), (x, x), (y, y)))
    return dot / math.sqrt(xx) / math.sqrt(yy)


def brute_force(world: World) -> set[tuple[str, str]]:
    there = [place for place in range(len(world.ids)) if place not in world.rejected]
    return {
        (min(world.ids[i], world.ids[j]), max(world.ids[i], world.ids[j]))
        for at, i in enumerate(there)
        for j in there[at + 1 :]
        if cosine(world.blind[i], world.blind[j]) >= world.floor
    }


@few
@given(worlds(), st.data())
def test_no_pair_is_lost_and_none_invented(world: World, data: st.DataObject) -> None:
    block_rows, shard_rows = data.draw(st.integers(1, 30)), data.draw(cuts(len(world.ids)))
    with scratch() as folder:
        _, found = searched(world.manifest(folder, shard_rows), min_cosine=world.floor, block_rows=block_rows)
    assert set(found) == brute_force(world)


@few
@given(worlds())
def test_both_cosines_are_those_of_the_vectors_to_twelve_digits(world: World) -> None:
    place = {name: row for row, name in enumerate(world.ids)}
    with scratch() as folder:
        _, found = searched(world.manifest(folder, [len(world.ids)]), min_cosine=world.floor)
    for (left, right), cosines in found.items():
        i, j = place[left], place[right]
        exact = [exact_cosine(side[i], side[j]) for side in (world.blind, world.reference)]
        assert np.allclose(cosines, exact, rtol=0, atol=1e-12)


@few
@given(worlds(), st.data())
def test_every_digit_is_the_same_however_the_work_is_cut(world: World, data: st.DataObject) -> None:
    rows = len(world.ids)
    order = data.draw(st.permutations(range(rows)))
    with scratch() as one, scratch() as other:
        _, whole = searched(world.manifest(one, [rows]), min_cosine=world.floor)
        cut = world.manifest(other, data.draw(cuts(rows)), order)
        _, found = searched(cut, min_cosine=world.floor, block_rows=data.draw(st.integers(1, 9)), backwards=True)
    assert found == whole


@few
@given(worlds(), st.integers(1, 30))
def test_every_comparison_is_counted_and_no_count_is_zero(world: World, block_rows: int) -> None:
    with scratch() as folder:
        manifest = world.manifest(folder, [len(world.ids)])
        parts, found = searched(manifest, min_cosine=world.floor, block_rows=block_rows)
        expected = search_of().expected({"embeddings": manifest})
    counts = sum((part.counts for part in parts), Counts())
    counts.check("here")
    assert (counts.seen, counts.ok, 0 in counts.rejected.values()) == (expected, len(found), False)


def near_the_border(pairs: int, dim: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Vectors with so many pairs within 2e-7 of cosine 0.95, and which rows these are."""
    random = np.random.default_rng(95)
    bases = unit(random.normal(size=(pairs // 40, dim)))
    near = [at_cosine(base, 0.95 + random.uniform(-2e-7, 2e-7), random) for base in bases for _ in range(40)]
    return np.concatenate([bases, near]), [(row // 40, len(bases) + row) for row in range(len(near))]


@pytest.mark.parametrize("block_rows", [8192, 700])
def test_of_thousands_on_the_border_exactly_those_at_or_above_it_are_found(tmp_path: Path, block_rows: int) -> None:
    vectors, border = near_the_border(3000, 768)
    ids = sorted(names(len(vectors)))
    manifest = embeddings_manifest(tmp_path, ids, {"blind": vectors, "reference": vectors[:, :4]})
    _, found = searched(manifest, min_cosine=0.95, block_rows=block_rows)
    above = {(ids[i], ids[j]) for i, j in border if cosine(vectors[i], vectors[j]) >= 0.95}
    assert 1000 < len(above) < 2000
    assert set(found) == above


def test_vectors_stored_as_float16_are_searched_as_they_are_stored(tmp_path: Path) -> None:
    vectors, _ = near_the_border(400, 64)
    ids = sorted(names(len(vectors)))
    stored = vectors.astype(np.float16).astype(np.float32)
    half = {"blind": vectors, "reference": vectors[:, :4]}
    _, found = searched(embeddings_manifest(tmp_path, ids, half, dtype=pa.float16()), min_cosine=0.95)
    rows = range(len(ids))
    assert set(found) == {(ids[i], ids[j]) for i in rows for j in rows[i + 1 :] if cosine(stored[i], stored[j]) >= 0.95}


@pytest.mark.parametrize("dim", [1, 3, 768])
def test_a_floor_of_one_finds_equal_vectors(tmp_path: Path, dim: int) -> None:
    vectors = np.tile(unit(np.random.default_rng(1).normal(size=(1, dim))), (5, 1))
    manifest = embeddings_manifest(tmp_path, names(5), {"blind": vectors, "reference": vectors})
    _, found = searched(manifest, min_cosine=1.0)
    assert list(found.values()) == [(1.0, 1.0)] * 10


def test_a_clique_comes_in_parts_that_fit_in_memory(tmp_path: Path) -> None:
    vectors = np.ones((900, 2), np.float32)
    manifest = embeddings_manifest(tmp_path, names(900), {"blind": vectors, "reference": vectors})
    parts, found = searched(manifest, min_cosine=0.95)
    assert len(found) == 900 * 899 // 2
    assert max(part.table.num_rows for part in parts) < 2 * 65536


SEARCHES_A_CLIQUE = """
import resource, sys
from itertools import islice
import faiss
from manifests.manifest import Manifest
from manifests.storage import Folder
from stages.base import Task
from world.vectors import search_of
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
reads, stage = {"embeddings": Manifest.open(Folder(sys.argv[1]))}, search_of(min_cosine=0.95)
whole = Task("one block", {"left": [0, 4000], "right": [0, 4000]})
before = peak()
rows = sum(part.table.num_rows for part in islice(stage.process(whole, reads), 30))
print(rows, peak() - before)
"""


def test_a_block_of_four_thousand_near_equal_vectors_takes_little_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    vectors = unit(np.ones((4000, 16)) + 1e-3 * random.normal(size=(4000, 16)))
    embeddings_manifest(tmp_path, names(4000), {"blind": vectors, "reference": vectors})
    world = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    ended = subprocess.run(
        [sys.executable, "-c", SEARCHES_A_CLIQUE, str(tmp_path)], env=world, capture_output=True, text=True, check=True
    )
    rows, grown_mib = map(int, ended.stdout.split())
    assert rows > 1_900_000
    assert grown_mib < 300


def test_the_settings_of_a_search_are_plain_json() -> None:
    assert json.loads(json.dumps(search_of().settings)) == search_of().settings
