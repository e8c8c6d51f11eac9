"""Agreement of people: shares counted out, and Krippendorff's alpha by his worked examples and by its definition."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.benchmark.agreement import agreement, alpha
from stages.author.valid_answers import Given

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): four observers, twelve units, five values, gaps
FOUR = ("123321412...", "123322412 5.3", ".333234225 1.", "123324412 51.")
# the same text, two observers, ten units, two values
TWO = ("0100000010", "1110010000")


def units(observers: tuple[str, ...]) -> list[Counter[str]]:
    lines = [line.replace(" ", "") for line in observers]
    return [Counter(value for value in column if value != ".") for column in zip(*lines, strict=True)]


def answers(chosen: list[dict[str, str]]) -> list[Given]:
    """What people chose: for each question person -> letter."""
    return [
        Given((f"l{number // 2}", f"r{number // 2}"), ("left", "right")[number % 2], person, letter, right=False)
        for number, letters in enumerate(chosen)
        for person, letter in letters.items()
    ]


@pytest.mark.parametrize(("observers", "published"), [(FOUR, 0.743), (TWO, 0.095)])
def test_alpha_is_what_krippendorff_published(observers: tuple[str, ...], published: float) -> None:
    assert alpha(units(observers)) == pytest.approx(published, abs=0.0005)


def by_definition(chosen: list[dict[str, str]]) -> float | None:
    """1 - observed / expected disagreement, over every two answers, one by one."""
    pairable = [list(letters.values()) for letters in chosen if len(letters) > 1]
    values = [value for unit in pairable for value in unit]
    apart = sum(one != other for one, other in combinations(values, 2)) * 2 / (len(values) - 1) if values else 0
    if not apart:
        return None
    observed = sum(sum(a != b for a, b in combinations(unit, 2)) * 2 / (len(unit) - 1) for unit in pairable)
    return 1 - observed / apart


choices = st.lists(st.dictionaries(st.sampled_from(["ann", "bob", "cat", "dan"]), st.sampled_from("ab")), max_size=9)


@settings(deadline=None)
@given(choices)
def test_alpha_and_the_share_are_what_their_definitions_give(chosen: list[dict[str, str]]) -> None:
    found = agreement(answers(chosen))
    twos = [a == b for letters in chosen for a, b in combinations(letters.values(), 2)]
    assert (found.same, found.twos) == (sum(twos), len(twos))
    assert found.alpha == (None if (expected := by_definition(chosen)) is None else pytest.approx(expected))


def test_people_who_agree_have_alpha_1_and_those_who_never_do_less_than_0() -> None:
    assert agreement(answers([{"ann": "a", "bob": "a"}, {"ann": "b", "bob": "b"}])).alpha == 1
    assert agreement(answers([{"ann": "a", "bob": "b"}, {"ann": "b", "bob": "a"}])).alpha == pytest.approx(-0.5)


def test_one_person_alone_agrees_with_nobody() -> None:
    found = agreement(answers([{"ann": "a"}, {"ann": "b"}, {"bob": "b"}]))
    assert (found.twos, found.share, found.alpha) == (0, None, None)


def test_the_two_images_of_a_pair_are_two_questions() -> None:
    found = agreement(answers([{"ann": "a"}, {"bob": "a"}]))
    assert found.twos == 0
