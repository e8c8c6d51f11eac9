"""Windows: the part of each encoder's grid that each query of a coarser grid sees.

Source: cambrian-mllm/cambrian, cambrian_arch.py (rearrange_vision_tower_features_*).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from stages.models.connectors.masks import open_empty


class Seen(NamedTuple):
    """What Q * Q queries see of a batch of B images.

    `windows`: (B, Q * Q, r_k * r_k, h) of each encoder k; `mask`: boolean (B, Q * Q, sum of r_k * r_k), True where a
    query may attend, or None if everywhere; `context`: (B, 1, h), the mean of the first encoder's tokens.
    """

    windows: list[torch.Tensor]
    mask: torch.Tensor | None
    context: torch.Tensor


def see(maps: Sequence[torch.Tensor], masks: Sequence[torch.Tensor] | None, *, sides: Sequence[int], side: int) -> Seen:
    """Divide projected features, (B, S_k * S_k, h) of each encoder k, among side * side queries.

    `sides`: the S_k. `masks`: boolean (B, S_k, S_k) of each encoder, False in padding; None if no image has any.
    """
    context = maps[0].mean(dim=1, keepdim=True)
    return Seen([windows(one, found, side) for one, found in zip(maps, sides)], joint_mask(masks, side), context)


def joint_mask(masks: Sequence[torch.Tensor] | None, side: int) -> torch.Tensor | None:
    """Return the mask of all encoders' windows, one after another: boolean (B, side * side, sum of r_k * r_k)."""
    return None if masks is None else torch.cat([window_mask(one, side) for one in masks], dim=-1)


def window_mask(mask: torch.Tensor, side: int) -> torch.Tensor:
    """Map (B, S, S) to (B, side * side, r * r). A window that lies in padding throughout is opened throughout."""
    return open_empty(windows(mask.flatten(1)[..., None], mask.shape[1], side)[..., 0])


def windows(tokens: torch.Tensor, found: int, side: int) -> torch.Tensor:
    """Map (B, found * found, C), row by row, to (B, side * side, r * r, C) with r = found / side, row by row too.

    Window i * side + j holds rows i * r to (i + 1) * r and columns j * r to (j + 1) * r. `side` must divide `found`.
    """
    factor = found // side
    return tokens.unflatten(1, (side, factor, side, factor)).transpose(2, 3).flatten(3, 4).flatten(1, 2)
