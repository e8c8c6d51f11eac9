"""Attention: one query attends jointly to windows of several encoders.

Source: cambrian-mllm/cambrian, vision_sampler.py (MultiKVCrossAttention).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention


class JointAttention(nn.Module):
    """Keys and values by a projection of each encoder's own; one softmax over all of them, for each head.

    Scores are divided by sqrt(width / heads), as the code does; the paper writes sqrt(width). Parameters: q_proj,
    k_proj_0, v_proj_0, k_proj_1, ...: a LayerNorm (.0) and a linear layer without bias (.1); o_proj: without bias.
    """

    def __init__(self, width: int, encoders: int, heads: int) -> None:
        super().__init__()
        self._heads, self._encoders = heads, encoders
        self.q_proj = _normalized_linear(width)
        for number in range(encoders):
            self.add_module(f"k_proj_{number}", _normalized_linear(width))
            self.add_module(f"v_proj_{number}", _normalized_linear(width))
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, query: torch.Tensor, windows: Sequence[torch.Tensor], mask: torch.Tensor | None) -> torch.Tensor:
        """Map queries, (B, N, h), to (B, N, h).

        `windows`: (B, N, n_k, h) of each encoder k; `mask`: boolean (B, N, sum of n_k), True where a query may attend.
        """
        found = scaled_dot_product_attention(
            self._divided(self.q_proj(query[:, :, None])),
            self._divided(self._projected("k", windows)),
            self._divided(self._projected("v", windows)),
            attn_mask=None if mask is None else mask.flatten(0, 1)[:, None, None],
        )
        output: torch.Tensor = self.o_proj(found.flatten(1).view(query.shape))
        return output

    def _projected(self, which: str, windows: Sequence[torch.Tensor]) -> torch.Tensor:
        each = [getattr(self, f"{which}_proj_{number}")(windows[number]) for number in range(self._encoders)]
        return torch.cat(each, dim=2)

    def _divided(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map (B, N, n, h) to (B * N, heads, n, h / heads): every query is a batch entry of its own."""
        return tokens.flatten(0, 1).unflatten(2, (self._heads, -1)).transpose(1, 2)


def _normalized_linear(width: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width, bias=False))
