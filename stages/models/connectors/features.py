"""Features: check that what the encoders give is what a connector's settings say."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from manifests.errors import Refused
from stages.models.connectors.settings import FeatureMap

Shape = tuple[int, int]  # (tokens, width)


def shapes(encoders: Sequence[FeatureMap]) -> tuple[Shape, ...]:
    """Return (tokens, width) of each encoder: plain numbers, which torch.compile follows better than settings."""
    return tuple((one.side**2, one.width) for one in encoders)


def check_features(features: Sequence[torch.Tensor], expected: Sequence[Shape]) -> None:
    """Raise Refused unless there is one (B, tokens, width) for each encoder, in its order, of one batch size."""
    if len(features) != len(expected):
        raise Refused(
            f"the connector takes features of {len(expected)} encoder(s) and got {len(features)}; give one tensor for "
            "each encoder of its settings, in their order"
        )
    for number, (one, (tokens, width)) in enumerate(zip(features, expected)):
        if one.dim() != 3 or one.shape[1] != tokens or one.shape[2] != width or one.shape[0] != features[0].shape[0]:
            raise Refused(
                f"features of encoder {number} have shape {tuple(one.shape)}, but ({features[0].shape[0]}, {tokens}, "
                f"{width}) is expected; drop CLS and register tokens, or set side and width to what the encoder gives"
            )


def check_masks(masks: Sequence[torch.Tensor], sides: Sequence[int], batch: int) -> None:
    """Raise Refused unless there is one boolean (batch, side, side) for each encoder, in its order."""
    found = [(tuple(one.shape), one.dtype) for one in masks]
    if found != [((batch, side, side), torch.bool) for side in sides]:
        raise Refused(
            f"masks of shape {[shape for shape, _ in found]} do not fit a batch of {batch} and grids of side "
            f"{list(sides)}; make them with image_mask, one boolean mask for each encoder"
        )
