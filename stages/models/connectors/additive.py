"""Additive: mix CLIP's and DINOv2's features token by token before one adapter (A-MoF).

Source: MMVP (arXiv 2401.06209), section 4.2. The authors did not release its code: whether they normalized features
before adding is unverified.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import layer_norm

from stages.models.connectors.features import check_features, shapes
from stages.models.connectors.mlp import two_layers
from stages.models.connectors.settings import Additive


class AdditiveConnector(nn.Module):
    """Parameters: mm_projector, one layer or two."""

    def __init__(self, settings: Additive) -> None:
        super().__init__()
        self.tokens = settings.tokens
        self._expected = shapes(settings.encoders)
        self._share, self._normalize = settings.share, settings.normalize
        adapter = two_layers if settings.adapter == "mlp" else nn.Linear
        self.mm_projector = adapter(settings.encoders[0].width, settings.language_width)

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Map CLIP's and DINOv2's (B, N, D) to (B, N, language_width). Raises Refused if they do not fit."""
        check_features(features, self._expected)
        clip, dino = (self._normalized(one) for one in features)
        tokens: torch.Tensor = self.mm_projector(self._share * dino + (1 - self._share) * clip)
        return tokens

    def _normalized(self, features: torch.Tensor) -> torch.Tensor:
        return layer_norm(features, features.shape[-1:]) if self._normalize else features


def build(settings: Additive) -> AdditiveConnector:
    """Build the connector with random weights."""
    return AdditiveConnector(settings)
