"""Choice: which pairs are kept, and how those kept hang together."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.filter.reasons import CAPPED, NEAR, groups, reasons

ENDS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12)


def numbers(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@settings(deadline=None)
@given(ENDS)
def test_two_pairs_have_one_group_exactly_if_images_lead_from_one_to_the_other(pairs: list[tuple[int, int]]) -> None:
    reach = {image: {image} for image in range(9)}
    for _ in pairs:
        for a, b in pairs:
            reach[a] = reach[b] = reach[a] | reach[b]
            for image in reach[a]:
                reach[image] = reach[a]
    found = groups(numbers(*(a for a, _ in pairs)), numbers(*(b for _, b in pairs)))
    for one, (a, _) in enumerate(pairs):
        for other, (b, _) in enumerate(pairs):
            assert (found[one] == found[other]) == (b in reach[a])


@settings(deadline=None)
@given(ENDS)
def test_groups_are_numbered_from_one_as_they_first_come(pairs: list[tuple[int, int]]) -> None:
    found = groups(numbers(*(a for a, _ in pairs)), numbers(*(b for _, b in pairs))).tolist()
    assert list(dict.fromkeys(found)) == list(range(1, len(set(found)) + 1))


def test_a_pair_of_two_look_alikes_is_left_out() -> None:
    assert reasons(numbers(0), numbers(1), {NEAR: numbers(0, 0)}, None) == [NEAR]


def test_a_pair_of_the_same_two_pictures_the_other_way_round_is_left_out() -> None:
    left, right, classes = numbers(0, 1), numbers(2, 3), numbers(0, 1, 1, 0)
    assert reasons(left, right, {NEAR: classes}, None) == [None, NEAR]


def test_a_pair_is_left_out_for_any_better_one_of_its_pictures_and_not_for_the_best_alone() -> None:
    left, right, classes = numbers(1, 0, 4), numbers(2, 3, 3), numbers(0, 1, 2, 3, 0)
    assert reasons(left, right, {NEAR: classes}, None) == [None, None, NEAR]


def test_of_two_kinds_of_duplicates_the_first_is_told() -> None:
    classes = {"bytes": numbers(0, 0), NEAR: numbers(0, 0)}
    assert reasons(numbers(0), numbers(1), classes, None) == ["bytes"]


def test_without_kinds_of_duplicates_only_the_cap_leaves_out() -> None:
    left, right = numbers(0, 1, 0), numbers(1, 0, 2)
    assert reasons(left, right, {}, None) == [None] * 3
    assert reasons(left, right, {}, 1) == [None, CAPPED, CAPPED]


def test_the_cap_counts_an_image_on_either_side() -> None:
    each = np.arange(4)
    assert reasons(numbers(0, 1, 2), numbers(1, 2, 3), {NEAR: each}, 1) == [None, CAPPED, None]


def test_a_pair_that_was_left_out_does_not_count_for_the_cap() -> None:
    classes = {NEAR: numbers(0, 0, 2, 3)}
    left, right = numbers(0, 0, 0), numbers(1, 2, 3)
    assert reasons(left, right, classes, 1) == [NEAR, None, CAPPED]


def test_no_pairs_have_no_groups_and_no_reasons() -> None:
    none = numbers()
    assert (groups(none, none).tolist(), reasons(none, none, {NEAR: none}, 1)) == ([], [])
