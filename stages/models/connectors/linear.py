"""Linear: one linear layer, the projector of the first LLaVA.

Source: haotian-liu/LLaVA, llava/model/multimodal_projector/builder.py (linear).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from stages.models.connectors.features import check_features, shapes
from stages.models.connectors.settings import Linear


class LinearConnector(nn.Module):
    """Parameters: mm_projector (weight, bias)."""

    def __init__(self, settings: Linear) -> None:
        super().__init__()
        self.tokens = settings.tokens
        self._expected = shapes(settings.encoders)
        self.mm_projector = nn.Linear(settings.encoders[0].width, settings.language_width)

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Map one (B, N, D) to (B, N, language_width). Raises Refused if features do not fit the settings."""
        check_features(features, self._expected)
        tokens: torch.Tensor = self.mm_projector(features[0])
        return tokens


def build(settings: Linear) -> LinearConnector:
    """Build the connector with random weights."""
    return LinearConnector(settings)
