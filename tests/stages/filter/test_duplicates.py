"""Duplicates: which images are one picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.filter.duplicates import exact_classes, joined_classes

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12)


def joined(count: int, edges: list[tuple[int, int]]) -> list[int]:
    left, right = (np.array([edge[side] for edge in edges], dtype=np.int64) for side in (0, 1))
    return joined_classes(count, left, right).tolist()


@given(st.lists(st.sampled_from("abc"), max_size=9))
def test_images_of_the_same_bytes_are_named_by_the_first(sha256: list[str]) -> None:
    assert exact_classes(sha256).tolist() == [sha256.index(digest) for digest in sha256]


@given(EDGES)
def test_images_joined_by_any_chain_are_named_by_the_smallest(edges: list[tuple[int, int]]) -> None:
    parent = list(range(10))

    def root(place: int) -> int:
        return place if parent[place] == place else root(parent[place])

    for a, b in edges:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    assert joined(10, edges) == [root(place) for place in range(10)]


def test_without_edges_each_image_is_its_own() -> None:
    assert joined(3, []) == [0, 1, 2]


def test_no_images_have_no_classes() -> None:
    assert (joined(0, []), exact_classes([]).tolist()) == ([], [])
