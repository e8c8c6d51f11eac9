"""Concatenated: bring every encoder to one grid, concatenate channels, then two linear layers.

Source: Cambrian-1 (arXiv 2406.16860), section 3.5; cambrian-mllm/cambrian, cambrian_arch.py (any projector but sva).
The paper likens it to A-MoF, but features are concatenated, not added.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from stages.models.connectors.features import check_features, shapes
from stages.models.connectors.mlp import two_layers
from stages.models.connectors.newline import append_newlines, newline_parameter
from stages.models.connectors.regrid import regrid
from stages.models.connectors.settings import Concatenated


class ConcatenatedConnector(nn.Module):
    """Parameters: mm_projector.0 and mm_projector.2 (weight, bias), and image_newline if there is one."""

    def __init__(self, settings: Concatenated) -> None:
        super().__init__()
        self.tokens = settings.tokens
        self._expected = shapes(settings.encoders)
        self._sides, self._side = tuple(one.side for one in settings.encoders), settings.side
        self.mm_projector = two_layers(sum(one.width for one in settings.encoders), settings.language_width)
        self.image_newline = newline_parameter(settings.language_width) if settings.newline else None

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Map one (B, N_k, D_k) of each encoder to (B, tokens, language_width). Raises Refused if they do not fit."""
        check_features(features, self._expected)
        maps = [regrid(one, found, self._side) for one, found in zip(features, self._sides)]
        return append_newlines(self.mm_projector(torch.cat(maps, dim=-1)), self.image_newline, self._side)


def build(settings: Concatenated) -> ConcatenatedConnector:
    """Build the connector with random weights."""
    return ConcatenatedConnector(settings)
