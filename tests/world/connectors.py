"""Small connectors, one of each kind, and the released ones, as settings; and features drawn for them."""

from __future__ import annotations

from typing import Any

import torch

from stages.models.connectors.base import build
from stages.models.connectors.settings import (
    Additive,
    Concatenated,
    Connector,
    Interleaved,
    Linear,
    Mlp,
    SpatialAggregator,
)

CLIP_224, CLIP_336 = {"width": 1024, "side": 16}, {"width": 1024, "side": 24}
CAMBRIAN_TOWERS = (
    {"width": 1152, "side": 27, "target_side": 24},  # SigLIP SO400M/14 at 384
    {"width": 1024, "side": 24},  # CLIP ViT-L/14 at 336
    {"width": 1536, "side": 27, "target_side": 24},  # DINOv2 giant at 378
    {"width": 5760, "side": 96},  # ConvNeXt-XXL at 1024, four stages
)


def cambrian(language_width: int = 4096, **more: Any) -> SpatialAggregator:
    inner = more.pop("inner", {"count": 10, "start": 0, "stride": 3})
    return SpatialAggregator(
        kind="spatial_aggregator", encoders=CAMBRIAN_TOWERS, language_width=language_width, inner=inner, **more
    )


def small_aggregator(**more: Any) -> SpatialAggregator:
    """Two groups of queries, two encoders of which one is regridded, four heads; masks may close a whole window."""
    settings: dict[str, Any] = {
        "kind": "spatial_aggregator",
        "encoders": [{"width": 6, "side": 4}, {"width": 5, "side": 3, "target_side": 2}],
        "language_width": 12,
        "width": 8,
        "heads": 4,
        "depth": 2,
        "query_sides": [2, 1],
        "side": 2,
        "inner": {"count": 2, "start": 1, "stride": 2},
    }
    return SpatialAggregator(**(settings | more))


_PAIR = [{"width": 6, "side": 3}, {"width": 6, "side": 3}]
SMALL: dict[str, Connector] = {
    "linear": Linear(kind="linear", encoders=_PAIR[:1], language_width=12),
    "mlp": Mlp(kind="mlp", encoders=_PAIR[:1], language_width=12),
    "additive": Additive(kind="additive", encoders=_PAIR, language_width=12, share=0.25),
    "interleaved": Interleaved(
        kind="interleaved", encoders=[{"width": 6, "side": 3}, {"width": 7, "side": 3}], language_width=12
    ),
    "concatenated": Concatenated(
        kind="concatenated", encoders=[{"width": 6, "side": 3}, {"width": 5, "side": 4}], language_width=12, side=3
    ),
    "spatial_aggregator": small_aggregator(),
}


def built(settings: Any, dtype: torch.dtype = torch.float64, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return build(settings).to(dtype)


def features_of(settings: Any, batch: int = 2, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    drawn = torch.Generator().manual_seed(1)
    return [
        torch.randn(batch, one.side**2, one.width, generator=drawn, dtype=torch.float64).to(dtype).requires_grad_()
        for one in settings.encoders
    ]
