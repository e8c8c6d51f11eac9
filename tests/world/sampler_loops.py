"""The vision sampler of Cambrian-1 in plain loops: one query, one head and one key at a time, with its own arithmetic.

It shares no code with the project: no layer, no attention and no window of it is used here. Vectors are rows of torch
tensors only so that torch can differentiate the loops.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

Weights = Mapping[str, torch.Tensor]
Row = torch.Tensor


def linear(weights: Weights, name: str, row: Row) -> Row:
    output = weights[f"{name}.weight"] @ row
    return output + weights[f"{name}.bias"] if f"{name}.bias" in weights else output


def gelu(row: Row) -> Row:
    return row * (1 + torch.erf(row / math.sqrt(2))) / 2


def layer_norm(weights: Weights, name: str, row: Row) -> Row:
    centred = row - row.sum() / len(row)
    variance = (centred * centred).sum() / len(row)
    return centred / torch.sqrt(variance + 1e-5) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def mlp(weights: Weights, name: str, row: Row) -> Row:
    return linear(weights, f"{name}.2", gelu(linear(weights, f"{name}.0", row)))


def bilinear(grid: list[list[Row]], side: int) -> list[list[Row]]:
    """Half-pixel centres (align_corners False), clamped at the borders."""
    found = len(grid)

    def neighbours(place: int) -> tuple[int, int, float]:
        centre = max((place + 0.5) * found / side - 0.5, 0.0)
        low = min(int(centre), found - 1)
        return low, min(low + 1, found - 1), centre - low

    def at(i: int, j: int) -> Row:
        (top, bottom, down), (left, right, across) = neighbours(i), neighbours(j)
        upper = grid[top][left] * (1 - across) + grid[top][right] * across
        lower = grid[bottom][left] * (1 - across) + grid[bottom][right] * across
        return upper * (1 - down) + lower * down

    return [[at(i, j) for j in range(side)] for i in range(side)]


def grid_of(rows: torch.Tensor) -> list[list[Row]]:
    side = math.isqrt(len(rows))
    return [[rows[i * side + j] for j in range(side)] for i in range(side)]


def window(grid: list[list], side: int, i: int, j: int) -> list:
    """What query (i, j) of side * side sees of a grid, row by row."""
    factor = len(grid) // side
    return [grid[i * factor + u][j * factor + v] for u in range(factor) for v in range(factor)]


def allowed(mask: list[list[bool]], side: int, i: int, j: int) -> list[bool]:
    found = window(mask, side, i, j)
    return found if any(found) else [True] * len(found)


def attended(
    weights: Weights, name: str, query: Row, keys: list[list[Row]], open_: list[list[bool]], heads: int
) -> Row:
    """`keys`: for each encoder the rows of a window; `open_`: which of them may be attended to."""
    projected = linear(weights, f"{name}.q_proj.1", layer_norm(weights, f"{name}.q_proj.0", query))
    pairs = []
    for number, (rows, may) in enumerate(zip(keys, open_, strict=True)):
        for row, one in zip(rows, may, strict=True):
            key, value = (
                linear(weights, f"{name}.{w}_proj_{number}.1", layer_norm(weights, f"{name}.{w}_proj_{number}.0", row))
                for w in "kv"
            )
            pairs += [(key, value)] if one else []
    dim = len(projected) // heads
    parts = []
    for head in range(heads):
        own = slice(head * dim, (head + 1) * dim)
        weighted = [torch.exp((projected[own] * key[own]).sum() / math.sqrt(dim)) for key, _ in pairs]
        total = sum(weighted)
        parts.append(sum(one / total * value[own] for one, (_, value) in zip(weighted, pairs)))
    return linear(weights, f"{name}.o_proj", torch.cat(parts))


def layer(weights: Weights, name: str, query: Row, context: Row, keys: list, open_: list, heads: int) -> Row:
    state = linear(weights, f"{name}.proj_in", torch.cat([query, linear(weights, f"{name}.proj_context", context)]))
    placed = [
        [row + weights[f"{name}.pos_embed_{k}"][place] for place, row in enumerate(rows)] if len(rows) > 1 else rows
        for k, rows in enumerate(keys)
    ]
    state = state + attended(weights, f"{name}.cross_attn", state, placed, open_, heads)
    state = gelu(linear(weights, f"{name}.proj_out.linear_1", layer_norm(weights, f"{name}.norm", state)))
    return linear(weights, f"{name}.proj_out.linear_2", state) + query


def sampled(weights: Weights, name: str, query: Row, context: Row, keys: list, open_: list, heads: int) -> Row:
    depth = len({one.split(".layers.")[1].split(".")[0] for one in weights if one.startswith(f"{name}.layers.")})
    for number in range(depth):
        query = layer(weights, f"{name}.layers.{number}", query, context, keys, open_, heads)
    return query


def differentiable(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A module's weights, to be given to the loops: copies whose gradients are their own."""
    return {name: one.detach().clone().requires_grad_() for name, one in module.state_dict().items()}


def assert_same_gradients(module: torch.nn.Module, weights: Weights, tolerance: float) -> None:
    for name, one in module.named_parameters():
        assert one.grad is not None, name
        assert weights[name].grad is not None, name
        assert torch.isfinite(one.grad).all(), name
        torch.testing.assert_close(one.grad, weights[name].grad, rtol=tolerance, atol=tolerance, msg=name)
