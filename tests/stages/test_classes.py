"""Classes: which images are one picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.classes import components, joined_classes

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12)


def joined(count: int, edges: list[tuple[int, int]]) -> list[int]:
    left, right = (np.array([edge[side] for edge in edges], dtype=np.int64) for side in (0, 1))
    return joined_classes(count, left, right).tolist()


@settings(deadline=None)
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


@settings(deadline=None)
@given(EDGES)
def test_two_images_have_one_component_exactly_if_they_have_one_class(edges: list[tuple[int, int]]) -> None:
    left, right = (np.array([edge[side] for edge in edges], dtype=np.int64) for side in (0, 1))
    numbers, classes = components(10, left, right).tolist(), joined(10, edges)
    assert all((numbers[a] == numbers[b]) == (classes[a] == classes[b]) for a in range(10) for b in range(10))


def test_no_images_have_no_classes() -> None:
    assert joined(0, []) == []
