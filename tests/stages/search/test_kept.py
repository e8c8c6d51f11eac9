"""Kept: what the rule says, one image after the other, whatever the order and the chunks the pairs come in."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.search import kept
from stages.search.kept import Found, Kept, within

Pair = tuple[int, int, float, float]  # left and right place, blind and reference cosine
REFERENCES = (-0.5, 0.0, 0.1, 0.1, 0.1, 0.3)  # many pairs are equally far apart
many = settings(max_examples=100, deadline=None)


@st.composite
def crowds(draw: st.DrawFn) -> tuple[list[Pair], int]:
    """Pairs of one tile, and what to add to a right place so that it is none on the left."""
    diagonal = draw(st.booleans())
    all_pairs = [(i, j) for i in range(7) for j in range(6) if i < j or not diagonal]
    pairs = draw(st.lists(st.sampled_from(all_pairs), unique=True, max_size=len(all_pairs)))
    return [
        (i, j, 0.95 + i / 1000 + j / 100, draw(st.sampled_from(REFERENCES))) for i, j in pairs
    ], 0 if diagonal else 7


def found_of(pairs: list[Pair]) -> Found:
    left, right, blind, reference = zip(*pairs, strict=True) if pairs else ((), (), (), ())
    return Found(np.array(left, np.int64), np.array(right, np.int64), np.array(blind), np.array(reference))


def pairs_of(found: Found) -> list[Pair]:
    columns = (found.left, found.right, found.blind, found.reference)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def oracle(pairs: list[Pair], cap: int | None, apart: int) -> list[Pair]:
    """By the rule: every image names its best, and what any image names is kept."""
    of_image: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        of_image[pair[0]].append(pair)
        of_image[pair[1] + apart].append(pair)
    best_first = [sorted(theirs, key=lambda pair: (pair[3], pair[0], pair[1])) for theirs in of_image.values()]
    return sorted({pair for theirs in best_first for pair in theirs[:cap]})


@many
@given(crowds(), st.integers(1, 8))
def test_a_pair_is_within_the_cap_exactly_if_one_of_its_images_names_it(
    crowd: tuple[list[Pair], int], cap: int
) -> None:
    pairs, apart = crowd
    found = found_of(pairs)
    assert sorted(pairs_of(found[within(found, cap, apart)])) == oracle(pairs, cap, apart)


@many
@given(crowds(), st.none() | st.integers(1, 5), st.sampled_from((0, 1, 3, 1 << 20)), st.data())
def test_what_is_kept_depends_on_the_pairs_alone(
    crowd: tuple[list[Pair], int], cap: int | None, more: int, data: st.DataObject
) -> None:
    pairs, apart = crowd
    coming, edges = data.draw(st.permutations(pairs)), data.draw(st.lists(st.integers(0, len(pairs)), max_size=8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "MORE", more)
        taken = Kept(cap, apart)
        for start, stop in zip([0, *sorted(edges)], [*sorted(edges), len(pairs)], strict=True):
            taken.add(found_of(coming[start:stop]))
        assert pairs_of(taken.pairs()) == oracle(pairs, cap, apart)
    assert taken.taken == len(pairs)


@many
@given(crowds(), st.integers(1, 5))
def test_every_image_keeps_its_best_and_no_more_than_it_must(crowd: tuple[list[Pair], int], cap: int) -> None:
    pairs, apart = crowd
    found = pairs_of(found_of(pairs)[within(found_of(pairs), cap, apart)])
    for image in {pair[0] for pair in pairs} | {pair[1] + apart for pair in pairs}:
        theirs, left = ([p for p in rows if image in (p[0], p[1] + apart)] for rows in (pairs, found))
        assert len(left) >= min(cap, len(theirs))
        assert sorted(p[3] for p in left)[:cap] == sorted(p[3] for p in theirs)[:cap]


def test_without_a_cap_all_pairs_are_kept_by_their_places() -> None:
    pairs = [(i, j, 1.0, 0.5) for i in range(30) for j in range(i)]
    taken = Kept(None, 0)
    taken.add(found_of(pairs[::-1]))
    assert pairs_of(taken.pairs()) == sorted(pairs)


def test_what_is_held_stays_near_the_cap_however_many_pairs_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MORE", 1000)
    random, taken, most = np.random.default_rng(0), Kept(2, 100), 0
    for _ in range(300):
        places = random.integers(100, size=(2, 500))
        taken.add(Found(places[0], places[1], np.ones(500), random.random(500)))
        most = max(most, sum(map(len, taken._parts)))
    assert taken.taken == 150_000
    assert most <= 2 * 400 + 1000 + 500


def test_nothing_taken_is_nothing_kept() -> None:
    for cap in (None, 1):
        assert len(Kept(cap, 0).pairs()) == 0
