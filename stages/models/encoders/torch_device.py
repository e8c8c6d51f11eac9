"""Torch on the worker's device: how many threads, where tensors go, and what they come back as."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from stages.base import Machine


def device_of(machine: Machine) -> torch.device:
    """The device, with its compute threads set and TF32 off: float32 means float32."""
    torch.set_num_threads(machine.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch.device(machine.device)


def stacked(batch: Sequence[torch.Tensor], device: torch.device) -> torch.Tensor:
    """(n, channels, height, width) on the device."""
    return torch.stack(list(batch)).to(device)


def on_host(vectors: torch.Tensor) -> NDArray[np.float32]:
    """(n, dim) float32 in this process's memory."""
    array: NDArray[np.float32] = vectors.float().cpu().numpy()
    return array
