"""Released: names, shapes and numbers of weights are those of LLaVA's, MMVP's and Cambrian-1's checkpoints."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from world.connectors import CLIP_224, CLIP_336, built, cambrian, features_of, small_aggregator

from manifests.errors import Refused
from stages.models.connectors.base import build
from stages.models.connectors.inner_aggregation import InnerAggregation
from stages.models.connectors.released import load_released
from stages.models.connectors.settings import Additive, Concatenated, Interleaved, Linear, Mlp

TWO_LAYERS = ["mm_projector.0.weight", "mm_projector.0.bias", "mm_projector.2.weight", "mm_projector.2.bias"]
# vision_sampler.py: VisionCrossAttentionLayer, for each layer whatever the number of towers
LAYER = [
    "proj_context.weight",
    "proj_in.weight",
    "proj_out.linear_1.weight",
    "proj_out.linear_2.weight",
    "norm.weight",
    "norm.bias",
    "cross_attn.q_proj.0.weight",
    "cross_attn.q_proj.0.bias",
    "cross_attn.q_proj.1.weight",
    "cross_attn.o_proj.weight",
]
# the same, for each tower
TOWER = [
    "cross_attn.k_proj_{}.0.weight",
    "cross_attn.k_proj_{}.0.bias",
    "cross_attn.k_proj_{}.1.weight",
    "cross_attn.v_proj_{}.0.weight",
    "cross_attn.v_proj_{}.0.bias",
    "cross_attn.v_proj_{}.1.weight",
]
PROJECTION = ["0.weight", "0.bias", "2.weight", "2.bias", "3.weight", "3.bias"]


def names_of(settings) -> set[str]:
    with torch.device("meta"):
        return set(build(settings).state_dict())


def numbers(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters())


def sampler_names(name: str, depth: int) -> set[str]:
    """Of Cambrian-1's four towers, of which only the last has windows of more than one token."""
    each = [*LAYER, *(one.format(k) for one in TOWER for k in range(4)), "pos_embed_3"]
    return {f"{name}.layers.{layer}.{one}" for layer in range(depth) for one in each}


def test_names_are_those_of_the_checkpoints() -> None:
    pair = [CLIP_336] * 2
    assert names_of(Linear(kind="linear", encoders=[CLIP_336], language_width=8)) == {
        "mm_projector.weight",
        "mm_projector.bias",
    }
    assert names_of(Mlp(kind="mlp", encoders=[CLIP_336], language_width=8)) == {*TWO_LAYERS}
    assert names_of(Additive(kind="additive", encoders=pair, language_width=8)) == {*TWO_LAYERS}
    assert names_of(Interleaved(kind="interleaved", encoders=pair, language_width=8)) == {
        *TWO_LAYERS,
        *(f"dino_{name}" for name in TWO_LAYERS),
    }
    assert names_of(Concatenated(kind="concatenated", encoders=pair, language_width=8)) == {
        *TWO_LAYERS,
        "image_newline",
    }


def test_names_are_those_of_cambrian() -> None:
    assert names_of(cambrian()) == {
        *TWO_LAYERS,
        *(f"mm_projector_aux_{k}.{one}" for k in range(4) for one in PROJECTION),
        *sampler_names("vision_sampler_0", 3),
        "vision_query",
        "image_newline",
    }
    with torch.device("meta"):
        inner = set(InnerAggregation(cambrian()).state_dict())
    assert inner == {name for j in range(10) for name in sampler_names(f"vision_sampler_layers.{j}", 1)}


def two_layers(width: int, language_width: int) -> int:
    return width * language_width + language_width + language_width**2 + language_width


SIMPLE = [
    (Linear(kind="linear", encoders=[CLIP_224], language_width=5120), 5_248_000),
    (Mlp(kind="mlp", encoders=[CLIP_336], language_width=4096), 20_979_712),
    (Mlp(kind="mlp", encoders=[CLIP_336], language_width=5120), 31_467_520),
    (Additive(kind="additive", encoders=[CLIP_224] * 2, language_width=5120), 31_467_520),
    (Interleaved(kind="interleaved", encoders=[CLIP_224] * 2, language_width=5120), 2 * 31_467_520),
    (
        Concatenated(kind="concatenated", encoders=cambrian().encoders, language_width=4096),
        two_layers(1152 + 1024 + 1536 + 5760, 4096) + 4096,
    ),
]


@pytest.mark.parametrize(("settings", "expected"), SIMPLE)
def test_parameters_are_counted_without_memory(settings, expected) -> None:
    with torch.device("meta"):
        assert numbers(build(settings)) == expected


def sampler_layer(query_width: int, width: int, towers: int, positions: int) -> int:
    projections = width**2 + (query_width + width) * width + width**2 + width * query_width
    attention = (2 + 2 * towers) * width**2 + (1 + 2 * towers) * 2 * width
    return projections + attention + 2 * width + positions * width


@pytest.mark.parametrize(("language_width", "count", "stride"), [(4096, 10, 3), (5120, 10, 4), (7168, 9, 7)])
def test_parameters_of_cambrian_are_counted_without_memory(language_width, count, stride) -> None:
    """8B, 13B and 34B."""
    settings = cambrian(language_width, inner={"count": count, "start": 0, "stride": stride})
    towers = sum(width * 1024 + 1024 + 1024**2 + 1024 + 2 * 1024 for width in (1152, 1024, 1536, 5760))
    own = 3 * sampler_layer(1024, 1024, 4, 16) + 1024
    with torch.device("meta"):
        assert numbers(build(settings)) == towers + own + two_layers(1024, language_width) + language_width
        assert numbers(InnerAggregation(settings)) == count * sampler_layer(language_width, 1024, 4, 16)


def test_queries_and_newline_are_drawn_as_wide_as_the_source_draws_them() -> None:
    connector = built(small_aggregator(width=512, heads=16, query_sides=[2] * 8, language_width=64, depth=1))
    assert connector.vision_query.detach().std().item() == pytest.approx(1 / 8, rel=0.1)
    wide = built(Concatenated(kind="concatenated", encoders=[{"width": 1, "side": 1}], language_width=4096, side=1))
    assert wide.image_newline.detach().std().item() == pytest.approx(1 / 64, rel=0.1)


def released(*modules: nn.Module) -> dict[str, torch.Tensor]:
    """As a whole model's checkpoint: the prefix, the language model and an encoder besides."""
    weights = {f"model.{name}": one for module in modules for name, one in module.state_dict().items()}
    return weights | {"model.embed_tokens.weight": torch.zeros(2), "model.vision_tower.x": torch.zeros(2)}


def test_a_checkpoint_of_a_whole_model_is_loaded() -> None:
    settings = small_aggregator()
    features = features_of(settings)
    connector, inner = built(settings, seed=3), InnerAggregation(settings).double()
    ours, ours_inner = built(settings, seed=4), InnerAggregation(settings).double()
    assert not torch.equal(ours(features), connector(features))
    load_released(released(connector, inner), ours, ours_inner)
    assert torch.equal(ours(features), connector(features))
    hidden, seen = torch.ones(2, 11, 12, dtype=torch.float64), ours.seen(ours.project(features))
    assert torch.equal(ours_inner(hidden, 1, seen, position=0), inner(hidden, 1, seen, position=0))


def test_a_checkpoint_that_does_not_fit_is_refused_before_anything_is_changed() -> None:
    settings = small_aggregator()
    connector, inner = built(settings), InnerAggregation(settings).double()
    before = {name: one.clone() for name, one in connector.state_dict().items()}
    weights = released(built(settings, seed=5), inner)
    with pytest.raises(Refused, match=r"also has 46 of the connector's weights, such as vision_sampler_layers\.0\."):
        load_released(weights, connector)
    missing = {name: one for name, one in weights.items() if name != "model.vision_query"}
    with pytest.raises(Refused, match="lacks 1 of the connector's weights, such as vision_query; set the connector's"):
        load_released(missing, connector, inner)
    with pytest.raises(Refused, match=r"vision_query has shape \(1, 8\) in the checkpoint, \(2, 8\) in the settings"):
        load_released(weights | {"model.vision_query": torch.zeros(1, 8)}, connector, inner)
    assert all(torch.equal(one, before[name]) for name, one in connector.state_dict().items())
