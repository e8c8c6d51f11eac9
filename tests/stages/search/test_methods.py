"""Methods: the complete ones name every pair that may reach the floor, and each at most once; ivf names some."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import World, compared, exact_cosine, unit, worlds
from world.committed import names, scratch
from world.vectors import embeddings_manifest, search_of, searched

from manifests.counts import Counts
from stages.base import Machine
from stages.directions.stage import principal
from stages.search.methods import exact, first_look, products
from stages.search.methods.choice import method_of
from stages.search.methods.ivf import A_CELL, cell_count
from stages.vectors.sketch import sketched

Pairs = Counter[tuple[int, int]]


@dataclass
class Rows:
    """A side of a tile out of vectors in memory."""

    blind: np.ndarray
    sketches: np.ndarray

    def __len__(self) -> int:
        return len(self.blind)

    def vectors(self, encoder: str, places: np.ndarray | None = None) -> np.ndarray:
        assert encoder == "blind"
        return self.blind if places is None else self.blind[places]


def rows_of(vectors: np.ndarray, directions: np.ndarray) -> Rows:
    return Rows(vectors, sketched(vectors, directions))


METHODS = {"exact": products.reaching, "exact, first look": first_look.reaching, "flat": None}
COMPLETE = pytest.mark.parametrize("method", list(METHODS))


def named(method: str, left: Rows, right: Rows, floor: float, **asked: object) -> Pairs:
    """What a method names; exact by the way of multiplying that is asked for, where the floor allows both."""
    name, found = method.partition(",")[0], Counter[tuple[int, int]]()
    chosen = search_of(method=name, min_cosine=floor, **asked).search
    with pytest.MonkeyPatch.context() as patch:
        if floor > first_look.LEAST_RADIUS + 0.01:
            patch.setattr(exact, "reaching_by", lambda *told: METHODS[method])
        for i, j in method_of(name, Machine()).near(left, right, chosen):
            found.update(zip(i.tolist(), j.tolist(), strict=True))
    return found


@COMPLETE
@settings(max_examples=40, deadline=None)
@given(worlds(), st.data())
def test_every_pair_that_reaches_the_floor_is_named_once(method: str, world: World, data: st.DataObject) -> None:
    vectors = world.blind[compared(world)]
    if not len(vectors):
        return
    count = data.draw(st.integers(0, vectors.shape[1]))
    directions, cut = principal(vectors)[0][:count], data.draw(st.integers(1, len(vectors)))
    left, right = rows_of(vectors[:cut], directions), rows_of(vectors[len(vectors) - cut :], directions)
    for sides in ((left, left), (left, right)):
        found, diagonal = named(method, *sides, world.floor), sides[0] is sides[1]
        assert set(found.values()) <= {1}
        for i, j in combinations(range(cut), 2) if diagonal else product(range(cut), repeat=2):
            if exact_cosine(sides[0].blind[i], sides[1].blind[j]) >= world.floor:
                assert (i, j) in found


@pytest.mark.parametrize("dim", [2, 3, 17, 64, 768])
@COMPLETE
def test_a_pair_is_named_when_the_floor_is_its_own_cosine(method: str, dim: int) -> None:
    random = np.random.default_rng(dim)
    vectors = unit(random.normal(size=(8, dim)) * 10.0 ** random.uniform(-4, 0, dim))
    directions = principal(vectors)[0]
    for count in {0, dim // 2, dim}:
        every = [rows_of(vectors[place : place + 1], directions[:count]) for place in range(len(vectors))]
        for one, other in combinations(every, 2):
            floor = exact_cosine(one.blind[0], other.blind[0])
            assert named(method, one, other, floor) == {(0, 0): 1}


@pytest.mark.parametrize("method", ["exact", "exact, first look"])
def test_the_longer_the_sketch_the_fewer_pairs_are_named_for_nothing(method: str) -> None:
    vectors = unit(np.ones(64) + np.random.default_rng(0).normal(size=(300, 64)))
    directions = principal(vectors)[0]
    both = [rows_of(vectors, directions[:count]) for count in (0, 8, 32, 64)]
    counts = [len(named(method, rows, rows, 0.95)) for rows in both]
    assert counts[0] == 300 * 300
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 300  # each names itself alone


def crowd() -> tuple[list[str], dict[str, np.ndarray]]:
    random = np.random.default_rng(6)
    near = unit(np.repeat(random.normal(size=(60, 8)), 10, axis=0) + 0.25 * random.normal(size=(600, 8)))
    return names(600), {"blind": near, "reference": unit(random.normal(size=(600, 3)))}


@pytest.mark.parametrize(("probes", "least"), [(1, 0.5), (4, 0.95), (10_000, 1.0)])
def test_ivf_finds_some_of_the_pairs_and_nothing_else(probes: int, least: float) -> None:
    with scratch() as folder:
        manifest = embeddings_manifest(folder, *crowd(), shard_rows=[250, 350], rejected={3, 400})
        _, every = searched(manifest, method="exact", max_per_image=None)
        parts, found = searched(manifest, method="ivf", ivf_probes=probes, max_per_image=None, block_rows=256)
    assert len(every) > 500
    assert found.items() <= every.items()
    assert least * len(every) <= len(found)
    counts = sum((part.counts for part in parts), Counts())
    missed = {"blind_cosine_below_floor": 598 * 597 // 2 - len(found)}
    assert counts == Counts(598 * 597 // 2, len(found), missed)


def test_ivf_searches_so_few_images_too() -> None:
    for count in (0, 1, 2, 3):
        vectors = unit(np.ones((3, 4)) + np.eye(3, 4) / 10)[:count]
        with scratch() as folder:
            manifest = embeddings_manifest(folder, names(count), {"blind": vectors, "reference": vectors})
            assert len(searched(manifest, method="ivf", min_cosine=0.9)[1]) == count * (count - 1) // 2


@given(st.integers(0, 10**7))
def test_no_more_cells_than_can_be_trained(vectors: int) -> None:
    cells = cell_count(vectors)
    assert 1 <= cells <= max(1, 4 * vectors**0.5)
    assert cells == 1 or cells * A_CELL <= vectors
