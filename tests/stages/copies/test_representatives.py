"""Standing: settled lot by lot, never taken back, and in the end the same classes as if all had come at once."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.copies.representatives import firsts, standing

LOTS = st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=6), min_size=1, max_size=5)


def stands(lots: list[list[tuple[int, int]]]) -> list[int]:
    """Who stands for each image of these (bytes, vectors), in lots."""
    images = [image for lot in lots for image in lot]
    texts = (np.array([str(image[side]) for image in images], "S8") for side in range(2))
    return standing(*map(firsts, texts), list(accumulate(map(len, lots)))).tolist()


@settings(max_examples=100, deadline=None)
@given(LOTS)
def test_no_lot_changes_what_was_settled_before_it(lots: list[list[tuple[int, int]]]) -> None:
    settled = stands(lots)
    for count in range(len(lots)):
        before = sum(map(len, lots[:count]))
        assert stands(lots[:count]) == settled[:before]


@settings(max_examples=100, deadline=None)
@given(LOTS)
def test_an_image_that_equals_one_of_an_earlier_lot_does_not_stand(lots: list[list[tuple[int, int]]]) -> None:
    settled, images = stands(lots), [image for lot in lots for image in lot]
    assert all(settled[place] == place for place in settled), "what stands for others stands"
    ends = list(accumulate(map(len, lots)))
    for place, image in enumerate(images):
        early = max((end for end in ends if end <= place), default=0)
        known = [other for other in images[:early] if image[0] == other[0] or image[1] == other[1]]
        assert not known or settled[place] < early


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 11), max_size=6), min_size=1, max_size=5))
def test_where_equal_bytes_give_equal_vectors_lots_make_the_classes_that_one_lot_makes(lots: list[list[int]]) -> None:
    made = [[(number, number // 3) for number in lot] for lot in lots]
    whole = [[image for lot in made for image in lot]]
    assert stands(made) == stands(whole)


def test_an_image_that_joins_two_that_stand_is_a_copy_of_the_first_and_both_go_on_standing() -> None:
    assert stands([[(1, 5), (2, 6)], [(1, 6)], [(3, 6)]]) == [0, 1, 0, 1]


def test_what_is_new_and_equal_to_what_is_new_follows_it_to_the_old_one() -> None:
    assert stands([[(9, 9), (1, 5)], [(3, 7), (1, 7), (3, 8)]]) == [0, 1, 1, 1, 1]
