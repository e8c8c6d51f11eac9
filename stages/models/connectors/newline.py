"""Newline: one more token at the end of each row of an image's tokens.

Source: cambrian-mllm/cambrian, cambrian_arch.py (image_newline).
"""

from __future__ import annotations

import torch
from torch import nn


def newline_parameter(language_width: int) -> nn.Parameter:
    """Return a newline, (language_width,), drawn as Cambrian-1 does: N(0, 1) / sqrt(language_width)."""
    return nn.Parameter(torch.randn(language_width) / language_width**0.5)


def append_newlines(tokens: torch.Tensor, newline: torch.Tensor | None, side: int) -> torch.Tensor:
    """Map (B, side * side, H) to (B, side * (side + 1), H): `newline`, (H,), ends each row. None: change nothing."""
    if newline is None:
        return tokens
    return join_newlines(tokens, newline.to(tokens.dtype).expand(tokens.shape[0], side, 1, -1))


def split_newlines(tokens: torch.Tensor, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Map (B, side * (side + 1), H) to the image's tokens, (B, side * side, H), and newlines, (B, side, 1, H)."""
    rows = tokens.unflatten(1, (side, side + 1))
    return rows[:, :, :-1].flatten(1, 2), rows[:, :, -1:]


def join_newlines(tokens: torch.Tensor, newlines: torch.Tensor) -> torch.Tensor:
    """Undo `split_newlines`."""
    side = newlines.shape[1]
    return torch.cat((tokens.unflatten(1, (side, side)), newlines), dim=2).flatten(1, 2)
