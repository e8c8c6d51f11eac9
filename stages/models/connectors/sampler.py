"""Sampler: layers of cross-attention from a grid of queries to the windows they see.

Source: cambrian-mllm/cambrian, vision_sampler.py (VisionTokenSampler, VisionCrossAttentionLayer). There is no gate.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import gelu

from stages.models.connectors.attention import JointAttention
from stages.models.connectors.windows import Seen


class Sampler(nn.Module):
    """`depth` layers, each with the same windows and context. Parameters: layers.0, layers.1, ..."""

    def __init__(self, query_width: int, width: int, factors: Sequence[int], *, depth: int, heads: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(SamplerLayer(query_width, width, factors, heads) for _ in range(depth))

    def forward(self, query: torch.Tensor, seen: Seen) -> torch.Tensor:
        """Map queries, (B, N, query_width), to the same shape."""
        for layer in self.layers:
            query = layer(query, seen)
        return query


class SamplerLayer(nn.Module):
    """Project query and context, attend, normalize, MLP; then add the query as it was. No linear layer has a bias.

    `factors`: r_k of each encoder k; a learned position for each place of a window is added where r_k is above 1.
    """

    def __init__(self, query_width: int, width: int, factors: Sequence[int], heads: int) -> None:
        super().__init__()
        self._factors = tuple(factors)
        self.proj_context = nn.Linear(width, width, bias=False)
        self.proj_in = nn.Linear(query_width + width, width, bias=False)
        self.cross_attn = JointAttention(width, len(self._factors), heads)
        self.norm = nn.LayerNorm(width)
        self.proj_out = _Output(width, query_width)
        for number, factor in enumerate(self._factors):
            if factor > 1:
                self.register_parameter(f"pos_embed_{number}", nn.Parameter(torch.randn(factor**2, width)))

    def forward(self, query: torch.Tensor, seen: Seen) -> torch.Tensor:
        """Map queries, (B, N, query_width), to the same shape."""
        context = self.proj_context(seen.context).expand(-1, query.shape[1], -1)
        state = self.proj_in(torch.cat((query, context), dim=-1))
        state = state + self.cross_attn(state, self._positioned(seen.windows), seen.mask)
        output: torch.Tensor = query + self.proj_out(self.norm(state))
        return output

    def _positioned(self, windows: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return [
            one + getattr(self, f"pos_embed_{number}").to(one.dtype) if factor > 1 else one
            for number, (one, factor) in enumerate(zip(windows, self._factors))
        ]


class _Output(nn.Module):
    def __init__(self, width: int, query_width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(width, width, bias=False)
        self.linear_2 = nn.Linear(width, query_width, bias=False)

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.linear_2(gelu(self.linear_1(state)))
        return output
