"""Lineage: the fingerprint sees every change, and every change it sees is told by name with both values."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from manifests.lineage import ABSENT, Difference, Lineage

NOTHING = Lineage("pairs", "filter 1", "pairs 1", {}, {}, {})
LEAF = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -1e-9, "a", "é日", ""])
TREE = st.recursive(
    LEAF,
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.sampled_from(["a", "0", "é"]), deeper, max_size=3),
    max_leaves=8,
)
SETTINGS = st.dictionaries(st.sampled_from(["a", "b", "a.b", "0"]), TREE, max_size=3)


def told(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    before, after = replace(NOTHING, settings=then), replace(NOTHING, settings=now)
    return [str(difference) for difference in before.differences(after)]


def backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(value)}
    return [backwards(child) for child in value] if isinstance(value, list) else value


@given(SETTINGS)
def test_the_fingerprint_does_not_know_the_order_of_keys(settings: dict[str, Any]) -> None:
    assert replace(NOTHING, settings=settings).fingerprint == replace(NOTHING, settings=backwards(settings)).fingerprint


@given(SETTINGS, SETTINGS, SETTINGS, SETTINGS)
def test_fingerprints_differ_exactly_where_a_difference_can_be_told(
    a: dict[str, Any], b: dict[str, Any], c: dict[str, Any], d: dict[str, Any]
) -> None:
    then, now = replace(NOTHING, settings=a, external_state=b), replace(NOTHING, settings=c, external_state=d)
    assert (then.fingerprint != now.fingerprint) == bool(then.differences(now))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if not children or not value:
        return [path]
    return [leaf for key, child in children for leaf in leaves(child, (*path, key))]


def with_leaf(value: Any, path: tuple[Any, ...], leaf: Any) -> Any:
    if not path:
        return leaf
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_leaf(value[path[0]], path[1:], leaf)
    return copy


@given(SETTINGS.filter(bool))
def test_any_single_leaf_changes_the_fingerprint(settings: dict[str, Any]) -> None:
    lineage = replace(NOTHING, settings=settings)
    for path in leaves(settings):
        changed = replace(NOTHING, settings=with_leaf(settings, path, "something else"))
        assert changed.fingerprint != lineage.fingerprint


def test_each_part_of_a_lineage_changes_the_fingerprint() -> None:
    changes = [
        {"step": "x"},
        {"stage": "filter 2"},
        {"table": "pairs 2"},
        *({name: {"x": "1"}} for name in ("settings", "external_state", "inputs")),
    ]
    assert len({replace(NOTHING, **change).fingerprint for change in changes} | {NOTHING.fingerprint}) == 7


def test_each_part_of_a_lineage_is_told_when_it_changes() -> None:
    now = Lineage("x", "filter 2", "pairs 2", {"filter": {"a": 1}}, {"weights": {"clip": "h"}}, {"candidates": "f"})
    assert [difference.name for difference in NOTHING.differences(now)] == [
        *("filter.a", "stage", "step", "table", "weights.clip"),
        "inputs.candidates",
    ]


def test_a_changed_setting_is_told_by_its_dotted_name_with_both_values() -> None:
    then, now = {"filter": {"reference_max": 0.6, "cap": 10}}, {"filter": {"reference_max": 0.5, "cap": 10}}
    assert told(then, now) == ["filter.reference_max was 0.6, now 0.5"]


def test_a_setting_below_a_list_is_told_by_its_place() -> None:
    then = {"sources": [{"name": "a"}, {"name": "b", "uri": "x"}]}
    now = {"sources": [{"name": "a"}, {"name": "b", "uri": "y"}]}
    assert told(then, now) == ["sources.1.uri was x, now y"]


def test_a_list_of_plain_values_is_told_whole() -> None:
    assert told({"sizes": [1, 2]}, {"sizes": [1, 3]}) == ["sizes was [1, 2], now [1, 3]"]


def test_an_added_setting_is_told() -> None:
    assert told({}, {"cap": 3}) == ["cap was absent, now 3"]


def test_a_removed_setting_is_told() -> None:
    assert told({"cap": 3}, {}) == ["cap was 3, now absent"]


def test_a_new_setting_that_is_null_is_told_though_its_value_says_nothing() -> None:
    assert told({}, {"cap": None}) == ["cap was absent, now nothing"]


def test_true_is_not_one() -> None:
    assert told({"keep": True}, {"keep": 1}) == ["keep was True, now 1"]


def test_a_mapping_that_became_a_value_is_told_from_both_sides() -> None:
    assert told({"a": {"b": 1}}, {"a": 2}) == ["a was absent, now 2", "a.b was 1, now absent"]


def test_what_lies_outside_is_not_mistaken_for_a_setting_of_the_same_name() -> None:
    then, now = replace(NOTHING, settings={"a": {"b": 1}}), replace(NOTHING, external_state={"a": {"b": 1}})
    assert then.differences(now) == [Difference("a.b", ABSENT, 1), Difference("a.b", 1, ABSENT)]


def test_a_long_value_is_cut_short() -> None:
    assert len(str(Difference("uri", "x" * 500, "y"))) < 120


def test_unicode_names_and_values_are_told_as_they_are() -> None:
    assert told({"quelle": {"größe": "日本"}}, {"quelle": {"größe": "é"}}) == ["quelle.größe was 日本, now é"]


@given(SETTINGS)
def test_a_lineage_comes_back_from_json_with_its_fingerprint(settings: dict[str, Any]) -> None:
    lineage = replace(NOTHING, settings=settings)
    assert Lineage.from_json(json.loads(json.dumps(lineage.to_json()))).fingerprint == lineage.fingerprint


def test_leaves_leave_out_parts_that_are_empty() -> None:
    assert [name for name, _ in NOTHING.leaves()] == ["stage", "table"]
