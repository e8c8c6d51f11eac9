"""Recipes are read strictly: whatever does not fit is one sentence that says what, where and what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from manifests.errors import Refused
from pipeline.config.changes import Change, Setting
from pipeline.config.loading import preset_names, read_config

URI = "images.sources.0.uri=/data/photos"


def refusal(recipe: str, *changes: Change) -> str:
    with pytest.raises(Refused) as caught:
        read_config(recipe, changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def recipe(tmp_path: Path, text: str) -> str:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return str(path)


FETCHED = ["images.sources.0.into=/fetched", "images.sources.0.fetch.contact=me@example.org"]


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_whole_recipe_once_it_has_a_source(name: str) -> None:
    assert read_config(name, [URI, *(FETCHED if name == "laion-aesthetics" else [])]).run == name


def test_a_preset_that_fetches_asks_where_to_and_who_asks() -> None:
    for lacking, given in (("into", FETCHED[1:]), ("contact", FETCHED[:1])):
        with pytest.raises(Refused, match=f"{lacking}.*--set"):
            read_config("laion-aesthetics", [URI, *given])


def test_the_mmvp_preset_is_the_papers() -> None:
    config = read_config("mmvp", [URI])
    clip, dino = (config.embed.encoders[name] for name in (config.search.blind, config.search.reference))
    assert (clip.model, clip.pretrained) == ("ViT-L-14-quickgelu", "openai")
    assert (dino.model, dino.pooling) == ("facebook/dinov2-large", "cls")
    assert (config.filter.blind_min, config.filter.comparison, config.filter.reference_max) == (0.95, ">=", 0.6)


def test_a_preset_without_a_source_says_how_to_name_one() -> None:
    assert "--set images.sources.0.uri=" in refusal("mmvp")


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ("filter.reference_mx=0.5", "reference_max"),
        ("serch.blind=clip", "search"),
        ("images.shard_row=5", "shard_rows"),
        ("images.sources.0.ury=x", "uri"),
        ("embed.encoders.clip.pretraned=openai", "pretrained"),
        ("workers.embed.bach=5", "batch"),
        ("search.blind=clib", "clip"),
    ],
)
def test_a_misspelt_name_is_told_the_nearest_right_one(change: str, near: str) -> None:
    assert f"did you mean {near}?" in refusal("mmvp", URI, change)


@pytest.mark.parametrize("value", ["1.5", "-1.01", "abc", "null", ".nan"])
def test_a_threshold_that_is_no_cosine_is_refused_by_name(value: str) -> None:
    assert "filter.reference_max" in refusal("mmvp", URI, f"filter.reference_max={value}")


@pytest.mark.parametrize("value", ["-1", "1.1", "-1.5", ".nan", ".inf", "abc", "null"])
def test_a_floor_outside_minus_one_to_one_is_refused(value: str) -> None:
    assert "search.min_cosine" in refusal("mmvp", URI, f"search.min_cosine={value}")


def test_a_threshold_below_the_floor_is_refused_for_what_lies_between_was_never_searched() -> None:
    assert "filter.blind_min 0.9 lies below search.min_cosine 0.95" in refusal("mmvp", URI, "filter.blind_min=0.9")


def test_a_recipe_may_stand_on_a_preset_and_change_one_thing(tmp_path: Path) -> None:
    text = (
        "preset: mmvp\nrun: mine\nimages: {sources: [{name: a, kind: folder, uri: /a}]}\nfilter: {reference_max: 0.5}"
    )
    config = read_config(recipe(tmp_path, text))
    assert (config.run, config.filter.reference_max, config.filter.blind_min) == ("mine", 0.5, 0.95)


def test_set_comes_after_the_file_and_reaches_into_lists(tmp_path: Path) -> None:
    config = read_config(
        "photos", ["images.sources.0.uri=/a", "images.sources.1={name: b, kind: shards, uri: '/b/{0..1}.tar'}"], "other"
    )
    assert [source.uri for source in config.images.sources] == ["/a", "/b/{0..1}.tar"]
    assert config.run == "other"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run: [", "not YAML"),
        ("just words", "no settings"),
        ("", "no settings"),
        ("run: a\nrun: b", "'run' stands twice"),
        ("preset: mvmp", "preset 'mvmp' is not known; did you mean mmvp? presets are: demo, imagenet"),
        ("preset: mmvp\nrun: ../up", "run:"),
        ("preset: mmvp\nimages: {sources: []}", "name at least one source"),
    ],
)
def test_a_recipe_that_cannot_be_read_says_why(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(recipe(tmp_path, text))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("run=null", "run: write a text"),
        ("run=../up", "run: write a name of the letters A-Z, digits, and _ . - (not first) (you gave '../up')"),
        ("filter.reference_max=abc", "filter.reference_max: write a number (you gave 'abc')"),
        ("search.min_cosine=2", "search.min_cosine: write a number of at most 1 (you gave 2)"),
        ("search.min_cosine=-1", "search.min_cosine: write a number above -1 (you gave -1)"),
        ("images.shard_rows=1.5", "images.shard_rows: write a whole number (you gave 1.5)"),
        ("search.method=exakt", "search.method: did you mean exact? write 'exact', 'flat' or 'ivf' (you gave 'exakt')"),
        ("workers.embed.compile=maybe", "workers.embed.compile: write true or false (you gave 'maybe')"),
        ("embed=5", "embed: write settings, {name: value} (you gave 5)"),
        ("images.sources=5", "images.sources: write a list, [...] (you gave 5)"),
    ],
)
def test_a_wrong_value_is_told_what_to_write(change: str, said: str) -> None:
    assert refusal("mmvp", URI, change).startswith(f"mmvp: {said}")


def test_missing_settings_and_sections_are_told_how_to_give_them(tmp_path: Path) -> None:
    text = "run: a\nimages: {sources: [{name: a, kind: folder}]}\nembed: {encoders: {c: {kind: colour}}}"
    told = refusal(recipe(tmp_path, text))
    uri = "images.sources.0.uri"
    assert f"{uri}: it has no value; add it to the recipe (on the command line: --set {uri}=...)" in told
    assert "search: it has no value; add `search` to the recipe, or start from a preset" in told


@pytest.mark.parametrize("odd", [None, [], {}, -1e9, 1e99, math.inf, "?" * 500, ["x"], {"x": 1}], ids=repr)
def test_no_fault_is_told_in_pydantics_words(odd: Any) -> None:
    """Each setting of a recipe in turn has a value that few settings take."""
    source = {"name": "a", "kind": "urls", "uri": "/a", "into": "/b", "fetch": {"contact": "me@example.org"}}
    sources = Setting("images.sources", [source])
    for name in names_of(read_config("mmvp", [sources]).model_dump(mode="json")):
        with suppress(Refused):
            read_config("mmvp", [sources, Setting(name, odd)])
            continue
        told = refusal("mmvp", sources, Setting(name, odd))
        assert not re.search("Input should|Field required|String should|[Vv]alid ", told), told


def names_of(values: Any, before: str = "") -> Iterator[str]:
    """The dotted names of all settings, sections included."""
    for name, value in values.items() if isinstance(values, dict) else enumerate(values):
        yield f"{before}{name}"
        if isinstance(value, dict | list):
            yield from names_of(value, f"{before}{name}.")


def test_two_sources_of_one_name_are_refused() -> None:
    twin = "images.sources.1={name: photos, kind: folder, uri: /b}"
    assert "two sources are called photos" in refusal("photos", URI, twin)


def test_a_recipe_that_is_not_there_names_the_presets() -> None:
    assert "neither a file nor a preset; presets are: demo" in refusal("nothing.yaml")


@pytest.mark.parametrize("change", ["filter", "=5", "images.sources.7.uri=x", "run.name=x", "filter.blind_min=["])
def test_a_change_that_cannot_be_made_is_shown_back(change: str) -> None:
    assert f"--set {change}" in refusal("photos", URI, change)


def test_one_encoder_in_both_roles_is_refused() -> None:
    assert "search.reference: 'dino' is also search.blind" in refusal("mmvp", URI, "search.blind=dino")


def test_a_reference_threshold_above_the_blind_one_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        read_config("mmvp", [URI, "filter.reference_max=0.965"])
    assert [record.getMessage() for record in caplog.records] == [
        "filter.reference_max 0.965 is above filter.blind_min 0.95: "
        "pairs on which both encoders agree will count as blind"
    ]
