"""Spatial aggregator: queries on a grid attend to the same place of every encoder's feature map (Cambrian-1's SVA).

Source: Cambrian-1 (arXiv 2406.16860), section 4; cambrian-mllm/cambrian, cambrian_arch.py. Where paper and code
differ, this is the code.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from stages.models.connectors.features import check_features, check_masks, shapes
from stages.models.connectors.mlp import two_layers
from stages.models.connectors.newline import append_newlines, newline_parameter
from stages.models.connectors.regrid import regrid
from stages.models.connectors.sampler import Sampler
from stages.models.connectors.settings import SpatialAggregator
from stages.models.connectors.windows import Seen, see


class SpatialAggregatorConnector(nn.Module):
    """Parameters: mm_projector_aux_k of each encoder k, vision_query, vision_sampler_g of each group g of queries,
    mm_projector, and image_newline if there is one.
    """

    def __init__(self, settings: SpatialAggregator) -> None:
        super().__init__()
        width, language_width = settings.width, settings.language_width
        self.tokens = settings.tokens
        self._expected = shapes(settings.encoders)
        self._given = tuple(one.side for one in settings.encoders)
        self._sides = tuple(one.used_side for one in settings.encoders)
        self._query_sides, self._side = settings.query_sides, settings.side
        for number, one in enumerate(settings.encoders):
            self.add_module(f"mm_projector_aux_{number}", _projection(one.width, width))
        # the code scales by the language model's width, not by the queries' own
        self.vision_query = nn.Parameter(torch.randn(len(self._query_sides), width) / language_width**0.5)
        for group, side in enumerate(self._query_sides):
            factors = [one // side for one in self._sides]
            sampler = Sampler(width, width, factors, depth=settings.depth, heads=settings.heads)
            self.add_module(f"vision_sampler_{group}", sampler)
        self.mm_projector = two_layers(width * len(self._query_sides), language_width)
        self.image_newline = newline_parameter(language_width) if settings.newline else None

    def forward(self, features: Sequence[torch.Tensor], masks: Sequence[torch.Tensor] | None = None) -> torch.Tensor:
        """Map one (B, N_k, D_k) of each encoder k to (B, tokens, language_width).

        `masks`: boolean (B, S_k, S_k) of each encoder, False in padding, with S_k its used side (masks.image_mask);
        None if no image of the batch was padded. Raises Refused if features or masks do not fit the settings.
        """
        return self.tokens_of(self.project(features), masks)

    def project(self, features: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Map (B, N_k, D_k) of each encoder k to (B, S_k * S_k, width). Raises Refused if they do not fit."""
        check_features(features, self._expected)
        return [
            getattr(self, f"mm_projector_aux_{number}")(regrid(one, self._given[number], self._sides[number]))
            for number, one in enumerate(features)
        ]

    def tokens_of(self, maps: Sequence[torch.Tensor], masks: Sequence[torch.Tensor] | None = None) -> torch.Tensor:
        """Map what `project` returns to (B, tokens, language_width)."""
        groups = [self._sampled(maps, masks, group) for group in range(len(self._query_sides))]
        return append_newlines(self.mm_projector(torch.cat(groups, dim=-1)), self.image_newline, self._side)

    def seen(self, maps: Sequence[torch.Tensor], masks: Sequence[torch.Tensor] | None = None) -> Seen:
        """Return what the image's tokens see inside the language model (inner_aggregation.py)."""
        return self._seen(maps, masks, self._side)

    def _seen(self, maps: Sequence[torch.Tensor], masks: Sequence[torch.Tensor] | None, side: int) -> Seen:
        if masks is not None:
            check_masks(masks, self._sides, maps[0].shape[0])
        return see(maps, masks, sides=self._sides, side=side)

    def _sampled(self, maps: Sequence[torch.Tensor], masks: Sequence[torch.Tensor] | None, group: int) -> torch.Tensor:
        """Return a group's tokens on the final grid, (B, side * side, width)."""
        side = self._query_sides[group]
        query = self.vision_query[group].to(maps[0].dtype).expand(maps[0].shape[0], side**2, -1)
        sampled = getattr(self, f"vision_sampler_{group}")(query, self._seen(maps, masks, side))
        return regrid(sampled, side, self._side)


def _projection(encoder_width: int, width: int) -> nn.Sequential:
    return nn.Sequential(*two_layers(encoder_width, width), nn.LayerNorm(width))


def build(settings: SpatialAggregator) -> SpatialAggregatorConnector:
    """Build the connector with random weights; layers inside the language model are InnerAggregation's."""
    return SpatialAggregatorConnector(settings)
