"""JSON from outside: what is nested too deep is refused as any other bad JSON is, whoever walks the value later."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.parsing import DEEPEST, check_depth, parse_json, parse_json_at

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
)


def lists(levels: int) -> str:
    return "[" * levels + "]" * levels


def objects(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@given(PLAIN)
def test_what_was_written_as_json_is_read_as_it_was(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value
    assert parse_json_at("x " + json.dumps(value) + " y", 2) == (value, 2 + len(json.dumps(value)))


@pytest.mark.parametrize("nested", [lists, objects])
@pytest.mark.parametrize("levels", [DEEPEST + 1, 500, 990, 100_000])
@pytest.mark.parametrize("form", [str, str.encode, lambda text: text.encode("utf-16")])
def test_what_is_nested_too_deep_is_bad_json(nested, levels: int, form) -> None:
    with pytest.raises(ValueError, match="nested more than 100 levels deep"):
        parse_json(form(nested(levels)))


@pytest.mark.parametrize("nested", [lists, objects])
def test_the_deepest_that_is_allowed_is_read(nested) -> None:
    text = nested(DEEPEST)
    assert json.dumps(parse_json(text), separators=(",", ":")) == text


def test_brackets_in_a_text_are_no_levels() -> None:
    assert parse_json(json.dumps("[{" * 1000)) == "[{" * 1000


@pytest.mark.parametrize("levels", [500, 100_000])
def test_a_value_inside_a_text_is_held_to_the_same_depth(levels: int) -> None:
    with pytest.raises(ValueError, match="nested more than 100 levels deep"):
        parse_json_at(f"say {lists(levels)}", 4)


def test_a_value_that_names_others_again_and_again_costs_no_more_than_each_once() -> None:
    value: Any = []
    for _ in range(DEEPEST - 1):
        value = [value] * 9
    check_depth(value)  # 9 to the power of 99 ways lead to its middle


def test_a_value_that_contains_itself_is_too_deep() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="nested more than 100"):
        check_depth(value)
