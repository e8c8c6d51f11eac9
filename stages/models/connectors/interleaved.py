"""Interleaved: an adapter for each of CLIP and DINOv2, and their tokens in turn (I-MoF).

Source: MMVP (arXiv 2401.06209), section 4.3; tsb0601/MMVP, LLaVA/llava/model/llava_arch.py
(prepare_inputs_labels_for_multimodal_withdino).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from stages.models.connectors.features import check_features, shapes
from stages.models.connectors.mlp import two_layers
from stages.models.connectors.settings import Interleaved


class InterleavedConnector(nn.Module):
    """Parameters: mm_projector (CLIP) and dino_mm_projector, both of two layers."""

    def __init__(self, settings: Interleaved) -> None:
        super().__init__()
        self.tokens = settings.tokens
        self._expected = shapes(settings.encoders)
        clip, dino = settings.encoders
        self.mm_projector = two_layers(clip.width, settings.language_width)
        self.dino_mm_projector = two_layers(dino.width, settings.language_width)

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Map CLIP's (B, N, D) and DINOv2's (B, N, E) to (B, 2 * N, language_width). Raises Refused if they do not fit.

        Token 2 * p is CLIP's of patch p, token 2 * p + 1 DINOv2's; patches go row by row.
        """
        check_features(features, self._expected)
        clip, dino = features
        return interleave(self.mm_projector(clip), self.dino_mm_projector(dino))


def interleave(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the rows of two (B, N, H) in turn, as (B, 2 * N, H); `first` has the even places."""
    return torch.stack((first, second), dim=2).flatten(1, 2)


def build(settings: Interleaved) -> InterleavedConnector:
    """Build the connector with random weights."""
    return InterleavedConnector(settings)
