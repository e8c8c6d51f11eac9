"""Regrid: bring a square grid of tokens to another side by bilinear interpolation.

Source: cambrian-mllm/cambrian, multimodal_encoder (interpolation of each tower) and cambrian_arch.py (query groups):
align_corners False, no antialiasing.
"""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate

HALF = (torch.bfloat16, torch.float16)


def regrid(tokens: torch.Tensor, found: int, side: int) -> torch.Tensor:
    """Map (B, found * found, C), row by row, to (B, side * side, C); 16-bit numbers are interpolated in float32."""
    if found == side:
        return tokens
    grid = tokens.transpose(1, 2).unflatten(2, (found, found))
    wide = grid.float() if grid.dtype in HALF else grid
    resized = interpolate(wide, size=(side, side), mode="bilinear", align_corners=False)
    return resized.flatten(2).transpose(1, 2).to(tokens.dtype)
