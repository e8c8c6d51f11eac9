"""Counts: nothing goes missing without a number."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.counts import Counts, by_status
from manifests.errors import Unbalanced

REASONS = st.dictionaries(st.sampled_from(["truncated", "empty", "größer"]), st.integers(0, 9))


@st.composite
def balanced(draw: st.DrawFn) -> Counts:
    ok, rejected = draw(st.integers(0, 99)), draw(REASONS)
    return Counts(ok + sum(rejected.values()), ok, rejected, draw(REASONS))


@given(balanced(), balanced())
def test_the_sum_of_balanced_counts_is_balanced(one: Counts, other: Counts) -> None:
    (one + other).check("here")


@given(balanced(), balanced(), balanced())
def test_the_order_of_a_sum_does_not_matter(a: Counts, b: Counts, c: Counts) -> None:
    assert (a + b) + c == c + (b + a)


@given(balanced())
def test_counts_come_back_from_json_as_they_went(counts: Counts) -> None:
    assert Counts.from_json(json.loads(json.dumps(counts.to_json()))) == counts


def test_an_image_that_went_missing_is_told_with_all_numbers_and_the_place() -> None:
    with pytest.raises(Unbalanced, match=r"runs/a: 10 seen, but 7 ok \+ 2 rejected = 9"):
        Counts(10, 7, {"truncated": 2}).check("runs/a")


def test_a_negative_count_does_not_balance_another() -> None:
    with pytest.raises(Unbalanced):
        Counts(3, 5, {"below": -2}).check("runs/a")


def test_what_is_set_aside_is_not_part_of_the_balance() -> None:
    Counts(1, 1, {}, {"no_image": 5}).check("runs/a")


def test_a_table_is_counted_by_its_status() -> None:
    table = pa.table({"status": ["ok", "truncated", "ok", "empty", "truncated"]})
    assert by_status(table) == Counts(5, 2, {"empty": 1, "truncated": 2})


def test_a_table_without_rows_counts_nothing() -> None:
    assert by_status(pa.table({"status": pa.array([], pa.string())})) == Counts()
