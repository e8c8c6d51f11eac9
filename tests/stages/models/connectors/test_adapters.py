"""Adapters: each connector but the aggregator gives the numbers and the gradients of plain loops."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from world.connectors import SMALL, built, features_of
from world.sampler_loops import (
    Row,
    Weights,
    assert_same_gradients,
    bilinear,
    differentiable,
    grid_of,
    layer_norm,
    linear,
    mlp,
)

from stages.models.connectors.interleaved import interleave

TOLERANCE = 1e-10


def _linear(weights: Weights, maps: list[torch.Tensor]) -> list[Row]:
    return [linear(weights, "mm_projector", row) for row in maps[0]]


def _mlp(weights: Weights, maps: list[torch.Tensor]) -> list[Row]:
    return [mlp(weights, "mm_projector", row) for row in maps[0]]


def _additive(weights: Weights, maps: list[torch.Tensor]) -> list[Row]:
    return [mlp(weights, "mm_projector", 0.75 * clip + 0.25 * dino) for clip, dino in zip(*maps)]


def _normalized(weights: Weights, maps: list[torch.Tensor]) -> list[Row]:
    plain = {"n.weight": torch.ones(6, dtype=torch.float64), "n.bias": torch.zeros(6, dtype=torch.float64)}
    return _additive(weights, [torch.stack([layer_norm(plain, "n", row) for row in one]) for one in maps])


def _additive_linear(weights: Weights, maps: list[torch.Tensor]) -> list[Row]:
    return [linear(weights, "mm_projector", 0.75 * clip + 0.25 * dino) for clip, dino in zip(*maps)]


def _interleaved(weights: Weights, maps: list[torch.Tensor]) -> list[Row]:
    tokens = []
    for clip, dino in zip(*maps):
        tokens += [mlp(weights, "mm_projector", clip), mlp(weights, "dino_mm_projector", dino)]
    return tokens


def _concatenated(weights: Weights, maps: list[torch.Tensor]) -> list[Row]:
    first, second = grid_of(maps[0]), bilinear(grid_of(maps[1]), 3)
    tokens = []
    for i in range(3):
        tokens += [mlp(weights, "mm_projector", torch.cat([first[i][j], second[i][j]])) for j in range(3)]
        tokens.append(weights["image_newline"])
    return tokens


CASES = {
    "linear": (SMALL["linear"], _linear),
    "mlp": (SMALL["mlp"], _mlp),
    "additive": (SMALL["additive"], _additive),
    "normalized": (SMALL["additive"].model_copy(update={"normalize": True}), _normalized),
    "additive, one layer": (SMALL["additive"].model_copy(update={"adapter": "linear"}), _additive_linear),
    "interleaved": (SMALL["interleaved"], _interleaved),
    "concatenated": (SMALL["concatenated"], _concatenated),
}


@pytest.mark.parametrize("case", CASES)
def test_numbers_and_gradients_are_those_of_plain_loops(case) -> None:
    settings, loops = CASES[case]
    connector, features = built(settings), features_of(settings)
    weights, copies = differentiable(connector), [one.detach().clone().requires_grad_() for one in features]
    found = connector(features)
    expected = torch.stack([torch.stack(loops(weights, [one[b] for one in copies])) for b in range(2)])
    torch.testing.assert_close(found, expected, rtol=TOLERANCE, atol=TOLERANCE)
    direction = torch.randn(found.shape, dtype=torch.float64)
    (found * direction).sum().backward()
    (expected * direction).sum().backward()
    assert_same_gradients(connector, weights, TOLERANCE)
    for one, copy in zip(features, copies):
        torch.testing.assert_close(one.grad, copy.grad, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(("share", "kept"), [(0.0, 0), (1.0, 1)])
def test_a_share_of_all_or_nothing_leaves_one_encoder(share, kept) -> None:
    settings = SMALL["additive"].model_copy(update={"share": share})
    connector, features = built(settings), features_of(settings)
    assert torch.equal(connector(features), connector([features[kept], features[kept]]))


def test_interleaving_changes_no_number_of_either_adapter() -> None:
    settings = SMALL["interleaved"]
    connector, (clip, dino) = built(settings), features_of(settings)
    tokens = connector([clip, dino])
    assert torch.equal(tokens[:, 0::2], connector.mm_projector(clip))
    assert torch.equal(tokens[:, 1::2], connector.dino_mm_projector(dino))


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 4))
def test_tokens_of_any_two_lists_alternate(batch, count, width) -> None:
    first = torch.arange(batch * count * width).view(batch, count, width)
    second = -first - 1
    expected = [[row for pair in zip(a, b) for row in pair] for a, b in zip(first.tolist(), second.tolist())]
    assert interleave(first, second).tolist() == expected
