"""Settings: how many tokens each connector makes, and what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from world.connectors import CLIP_224, CLIP_336, SMALL, built, cambrian, features_of, small_aggregator

from pipeline.config.faults import sentence
from stages.models.connectors.base import MODULES
from stages.models.connectors.settings import (
    CONNECTOR_KINDS,
    Additive,
    Concatenated,
    InnerLayers,
    Interleaved,
    Linear,
    Mlp,
    SpatialAggregator,
)

PUBLISHED = [
    (Linear(kind="linear", encoders=[CLIP_224], language_width=5120), 256),
    (Mlp(kind="mlp", encoders=[CLIP_336], language_width=4096), 576),
    (Additive(kind="additive", encoders=[CLIP_224] * 2, language_width=5120), 256),
    (Interleaved(kind="interleaved", encoders=[CLIP_224] * 2, language_width=5120), 512),
    (Interleaved(kind="interleaved", encoders=[CLIP_336] * 2, language_width=5120), 1152),
    (Concatenated(kind="concatenated", encoders=[CLIP_224, CLIP_336], language_width=4096, newline=False), 576),
    (cambrian(), 600),
]


@pytest.mark.parametrize(("settings", "tokens"), PUBLISHED)
def test_tokens_are_those_that_the_papers_count(settings, tokens) -> None:
    assert settings.tokens == tokens


@pytest.mark.parametrize("kind", SMALL)
def test_a_connector_makes_as_many_tokens_as_its_settings_say(kind) -> None:
    settings = SMALL[kind]
    connector = built(settings)
    assert connector(features_of(settings)).shape == (2, settings.tokens, 12)
    assert connector.tokens == settings.tokens


def test_every_kind_has_a_module() -> None:
    assert set(MODULES) == set(CONNECTOR_KINDS) == set(SMALL)


@pytest.mark.parametrize(
    ("inner", "layers"),
    [
        (InnerLayers(), (0, 3, 6, 9, 12, 15, 18, 21, 24, 27)),
        (InnerLayers(stride=4), (0, 4, 8, 12, 16, 20, 24, 28, 32, 36)),
        (InnerLayers(count=9, stride=7), (0, 7, 14, 21, 28, 35, 42, 49, 56)),
    ],
)
def test_inner_layers_are_those_of_the_released_models(inner, layers) -> None:
    assert inner.indices == layers


def _pair(kind: str, first: dict[str, int], second: dict[str, int], **more: Any) -> dict[str, Any]:
    return {"kind": kind, "encoders": [first, second], "language_width": 8, **more}


SMALL_MAP = {"width": 4, "side": 4}
AGGREGATOR = small_aggregator().model_dump()
WRONG = [
    (Mlp, _pair("mlp", SMALL_MAP, SMALL_MAP), "Mlp takes 1 encoder(s), not 2; list 1 in encoders"),
    (
        Concatenated,
        {"kind": "concatenated", "encoders": [], "language_width": 8},
        "Concatenated takes 1 or more encoder(s), not 0; list 1 or more in encoders",
    ),
    (
        Interleaved,
        _pair("interleaved", SMALL_MAP, {"width": 4, "side": 5}),
        "Interleaved pairs tokens one to one, but the encoders' sides are 4 and 5; choose sizes of the two images "
        "for which their grids are equal",
    ),
    (
        Additive,
        _pair("additive", SMALL_MAP, {"width": 5, "side": 4}),
        "Additive adds vectors of one length, but the encoders' widths are 4 and 5; choose encoders of equal width, or "
        "kind: interleaved",
    ),
    (Additive, _pair("additive", SMALL_MAP, SMALL_MAP, share=1.5), "share: write a number of at most 1 (you gave 1.5)"),
    (
        Additive,
        _pair("additive", SMALL_MAP, SMALL_MAP, share=-0.1),
        "share: write a number of at least 0 (you gave -0.1)",
    ),
    (
        SpatialAggregator,
        AGGREGATOR | {"query_sides": [3]},
        "encoder 0 has a grid of side 4, not a multiple of the queries' 3; set its target_side to a multiple",
    ),
    (
        SpatialAggregator,
        AGGREGATOR | {"side": 4},
        "encoder 1 has a grid of side 2, not a multiple of the queries' 4; set its target_side to a multiple",
    ),
    (
        SpatialAggregator,
        AGGREGATOR | {"heads": 3},
        "width 8 is not a multiple of heads 3; change one of them",
    ),
    (
        SpatialAggregator,
        AGGREGATOR | {"query_sides": []},
        "query_sides needs a side of 1 or more for each group of queries; Cambrian-1 has [24]",
    ),
    (
        Linear,
        {"kind": "linear", "encoders": [SMALL_MAP], "language_width": 8, "language_widht": 9},
        "unknown setting 'language_widht'; did you mean language_width?",
    ),
]


@pytest.mark.parametrize(("settings", "values", "expected"), WRONG)
def test_what_does_not_fit_is_refused_with_a_sentence(settings, values, expected) -> None:
    with pytest.raises(ValidationError) as error:
        settings(**values)
    assert sentence(error.value, values) == expected


def test_without_inner_layers_the_final_side_need_divide_no_grid() -> None:
    assert small_aggregator(side=3, inner=None).tokens == 12
