"""Masks: which tokens of an image that was padded to a square show the image.

Source: cambrian-mllm/cambrian, train/train_fsdp.py (get_padding_offset, prepare_image_info) and cambrian_arch.py
(unmask_attention_mask). In training the language model's attention mask hides padding; in inference Cambrian-1 removes
the same tokens (unpad_image), which is equivalent when position ids count visible tokens only.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from manifests.errors import Refused

Size = tuple[int, int]  # width and height of an image before padding, in pixels


def padding(size: Size, side: int) -> tuple[int, int]:
    """Return how many columns at the left and the right, and rows at the top and the bottom, are padding alone.

    Computed in the floating-point steps of Cambrian-1's code, so that it rounds as that does. Raises Refused for a size
    that no image has.
    """
    width, height = size
    if width < 1 or height < 1:
        raise Refused(f"an image has {width} x {height} pixels; give a width and a height of 1 or more")
    if width > height:
        return 0, (side - int(height * (side / width))) // 2
    return (side - int(width * (side / height))) // 2, 0


def image_mask(sizes: Sequence[Size], side: int) -> torch.Tensor:
    """Return boolean (B, side, side), on the CPU: False where a token shows padding."""
    places = torch.arange(side)
    margins = torch.tensor([padding(size, side) for size in sizes]).view(-1, 2, 1)
    columns, rows = ((places >= margins) & (places < side - margins)).unbind(dim=1)
    return rows[:, :, None] & columns[:, None, :]


def token_mask(sizes: Sequence[Size], side: int, *, newline: bool) -> torch.Tensor:
    """Return boolean (B, side * (side + newline)): which of an image's tokens the language model may see.

    A row of padding hides its newline too; columns of padding leave the newline of their rows visible.
    As in Cambrian-1, an image more than `side` times as wide as high may have no visible token at all.
    """
    visible = image_mask(sizes, side)
    if newline:
        visible = torch.cat((visible, visible.any(dim=2, keepdim=True)), dim=2)
    return visible.flatten(1)


def open_empty(mask: torch.Tensor) -> torch.Tensor:
    """Set rows of the last dimension without any True to True throughout, so that a softmax over them is defined."""
    return mask | ~mask.any(dim=-1, keepdim=True)
