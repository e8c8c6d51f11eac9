"""MLP: two linear layers with a GELU between, the projector of LLaVA-1.5.

Source: haotian-liu/LLaVA, llava/model/multimodal_projector/builder.py (mlp2x_gelu).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from stages.models.connectors.features import check_features, shapes
from stages.models.connectors.settings import Mlp


def two_layers(width: int, language_width: int) -> nn.Sequential:
    """Return the layers: width -> language_width, GELU (exact, not tanh), language_width -> language_width."""
    return nn.Sequential(nn.Linear(width, language_width), nn.GELU(), nn.Linear(language_width, language_width))


class MlpConnector(nn.Module):
    """Parameters: mm_projector.0 and mm_projector.2 (weight, bias)."""

    def __init__(self, settings: Mlp) -> None:
        super().__init__()
        self.tokens = settings.tokens
        self._expected = shapes(settings.encoders)
        self.mm_projector = two_layers(settings.encoders[0].width, settings.language_width)

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Map one (B, N, D) to (B, N, language_width). Raises Refused if features do not fit the settings."""
        check_features(features, self._expected)
        tokens: torch.Tensor = self.mm_projector(features[0])
        return tokens


def build(settings: Mlp) -> MlpConnector:
    """Build the connector with random weights."""
    return MlpConnector(settings)
