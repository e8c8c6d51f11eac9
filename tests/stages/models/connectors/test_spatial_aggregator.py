"""Spatial aggregator: the numbers and the gradients of plain loops, before and inside the language model."""

from __future__ import annotations

import pytest
import torch
from world.connectors import built, cambrian, features_of, small_aggregator
from world.sampler_loops import (
    Row,
    Weights,
    allowed,
    assert_same_gradients,
    bilinear,
    differentiable,
    grid_of,
    layer_norm,
    mlp,
    sampled,
    window,
)

from manifests.errors import Refused
from stages.models.connectors.base import build
from stages.models.connectors.inner_aggregation import InnerAggregation
from stages.models.connectors.masks import image_mask

TOLERANCE = 1e-10
HEADS = 4
SIZES = [(10, 2), (3, 4)]  # the first leaves whole windows of the finer grid in padding
OPEN = {4: [[True] * 4] * 4, 2: [[True] * 2] * 2}


def projected(weights: Weights, maps: list[torch.Tensor]) -> list[list[list[Row]]]:
    """The grids of encoder 0 (side 4) and encoder 1 (side 3, brought to 2), projected."""
    raw = [grid_of(maps[0]), bilinear(grid_of(maps[1]), 2)]
    return [
        [[layer_norm(weights, f"mm_projector_aux_{k}.3", mlp(weights, f"mm_projector_aux_{k}", row)) for row in line]
         for line in grid]
        for k, grid in enumerate(raw)
    ]  # fmt: skip


def context_of(grids: list[list[list[Row]]]) -> Row:
    rows = [row for line in grids[0] for row in line]
    return sum(rows[1:], rows[0]) / len(rows)


def seen_by(grids: list, masks: list, side: int, i: int, j: int) -> tuple[list, list]:
    return [window(one, side, i, j) for one in grids], [allowed(one, side, i, j) for one in masks]


def tokens_by_loops(weights: Weights, maps: list[torch.Tensor], masks: list[list[list[bool]]]) -> torch.Tensor:
    grids = projected(weights, maps)
    groups = []
    for group, side in enumerate((2, 1)):
        name, query = f"vision_sampler_{group}", weights["vision_query"][group]
        grid = [
            [
                sampled(weights, name, query, context_of(grids), *seen_by(grids, masks, side, i, j), HEADS)
                for j in range(side)
            ]
            for i in range(side)
        ]
        groups.append(bilinear(grid, 2))
    tokens = []
    for i in range(2):
        tokens += [mlp(weights, "mm_projector", torch.cat([one[i][j] for one in groups])) for j in range(2)]
        tokens.append(weights["image_newline"])
    return torch.stack(tokens)


def plain_masks(masks: list[torch.Tensor] | None, image: int) -> list[list[list[bool]]]:
    return list(OPEN.values()) if masks is None else [one[image].tolist() for one in masks]


@pytest.mark.parametrize("padded", [False, True])
def test_tokens_and_gradients_are_those_of_plain_loops(padded) -> None:
    settings = small_aggregator()
    connector, features = built(settings), features_of(settings)
    weights, copies = differentiable(connector), [one.detach().clone().requires_grad_() for one in features]
    masks = [image_mask(SIZES, side) for side in (4, 2)] if padded else None
    found = connector(features, masks)
    expected = torch.stack(
        [tokens_by_loops(weights, [one[b] for one in copies], plain_masks(masks, b)) for b in range(2)]
    )
    torch.testing.assert_close(found, expected, rtol=TOLERANCE, atol=TOLERANCE)
    direction = torch.randn(found.shape, dtype=torch.float64)
    (found * direction).sum().backward()
    (expected * direction).sum().backward()
    assert_same_gradients(connector, weights, TOLERANCE)
    for one, copy in zip(features, copies):
        torch.testing.assert_close(one.grad, copy.grad, rtol=TOLERANCE, atol=TOLERANCE)


def test_a_mask_keeps_padding_out_of_what_a_query_sees() -> None:
    settings = small_aggregator(inner=None)
    connector, features = built(settings), [one.detach() for one in features_of(settings)]
    masks = [image_mask([(4, 2)] * 2, side) for side in (4, 2)]
    maps = connector.project(features)
    order = list(range(16))
    order[1], order[2] = 2, 1  # two tokens of the uppermost row, which is padding; the mean stays
    changed = [maps[0][:, order], maps[1]]
    assert torch.allclose(connector.tokens_of(changed, masks), connector.tokens_of(maps, masks), atol=1e-12)
    assert not torch.allclose(connector.tokens_of(changed), connector.tokens_of(maps), atol=1e-6)


@pytest.mark.parametrize("newline", [True, False])
def test_inner_layers_give_the_numbers_and_gradients_of_plain_loops(newline) -> None:
    settings = small_aggregator(newline=newline)
    connector, features = built(settings), features_of(settings)
    torch.manual_seed(2)
    inner = InnerAggregation(settings).double()
    hidden = torch.randn(2, 11, 12, dtype=torch.float64, requires_grad=True)
    copy = hidden.detach().clone().requires_grad_()
    weights, outer = differentiable(inner), differentiable(connector)
    masks = [image_mask(SIZES, side) for side in (4, 2)]
    found = inner(hidden, 3, connector.seen(connector.project(features), masks), position=4)

    expected = []
    for b in range(2):
        grids = projected(outer, [one[b].detach() for one in features])
        rows = list(copy[b])
        for i in range(2):
            for j in range(2):
                place = 4 + i * (2 + newline) + j
                keys = seen_by(grids, plain_masks(masks, b), 2, i, j)
                rows[place] = sampled(weights, "vision_sampler_layers.1", rows[place], context_of(grids), *keys, HEADS)
        expected.append(torch.stack(rows))
    torch.testing.assert_close(found, torch.stack(expected), rtol=TOLERANCE, atol=TOLERANCE)
    direction = torch.randn(found.shape, dtype=torch.float64)
    (found * direction).sum().backward()
    (torch.stack(expected) * direction).sum().backward()
    torch.testing.assert_close(hidden.grad, copy.grad, rtol=TOLERANCE, atol=TOLERANCE)
    assert_same_gradients(inner.vision_sampler_layers[1], _without("vision_sampler_layers.1.", weights), TOLERANCE)


def _without(prefix: str, weights: Weights) -> Weights:
    return {name.removeprefix(prefix): one for name, one in weights.items() if name.startswith(prefix)}


def test_inner_layers_leave_text_newlines_and_other_layers_alone() -> None:
    settings = small_aggregator()
    connector, inner = built(settings), InnerAggregation(settings).double()
    hidden = torch.randn(2, 11, 12, dtype=torch.float64)
    seen = connector.seen(connector.project(features_of(settings)))
    assert inner.layers == (1, 3)
    assert inner(hidden, 2, seen, position=4) is hidden
    changed = (inner(hidden, 1, seen, position=4) != hidden).any(dim=-1)
    assert changed[0].tolist() == changed[1].tolist() == [place in (4, 5, 7, 8) for place in range(11)]


@pytest.mark.parametrize("position", [6, -1])
def test_an_image_outside_the_prompt_is_refused(position) -> None:
    settings = small_aggregator()
    connector, inner = built(settings), InnerAggregation(settings).double()
    seen = connector.seen(connector.project(features_of(settings)))
    with pytest.raises(Refused, match=f"6 tokens do not fit at position {position} of 11 hidden states; put the image"):
        inner(torch.zeros(2, 11, 12, dtype=torch.float64), 1, seen, position=position)


def test_inner_layers_without_settings_are_refused() -> None:
    with pytest.raises(Refused, match="no inner layers; set `inner`, or do not build them"):
        InnerAggregation(small_aggregator(inner=None))


def test_masks_of_other_sides_are_refused() -> None:
    settings = small_aggregator()
    with pytest.raises(Refused, match=r"do not fit a batch of 2 and grids of side \[4, 2\]; make them with image_mask"):
        built(settings)(features_of(settings), [image_mask(SIZES, side) for side in (4, 3)])


def test_a_query_of_cambrian_has_19_keys() -> None:
    settings = cambrian()
    with torch.device("meta"):
        connector = build(settings)
        maps = connector.project([torch.empty(2, one.side**2, one.width) for one in settings.encoders])
        seen = connector.seen(maps)
    assert [tuple(one.shape) for one in maps] == [(2, tokens, 1024) for tokens in (576, 576, 576, 9216)]
    assert [one.shape[2] for one in seen.windows] == [1, 1, 1, 16]
    assert sum(one.shape[2] for one in seen.windows) == 19
