"""QuickGELU: fuse the activation of OpenAI's CLIP on a GPU; the libraries' own makes three passes over memory.

The kernel (quick_gelu_kernel.py) is tried before the first image. If it cannot be compiled or gives wrong results, the
library's own is kept, with a warning: it is slower, but that must not end a run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

from stages.models.encoders.device import Device

Activation = Callable[[torch.Tensor], torch.Tensor]

CLASSES = (
    "open_clip.transformer.QuickGELU",
    "transformers.activations.QuickGELUActivation",
    "timm.layers.activations.QuickGELU",
)
TOLERANCE = {"rtol": 0.01, "atol": 1e-5}  # distinguishes a wrong kernel from 16-bit rounding


def fuse(model: torch.nn.Module, device: Device) -> bool:
    """Replace every QuickGELU of a model on a GPU with the kernel. Return whether any was replaced.

    A compiled network is left alone: its compiler does its own fusing. On a CPU results stay bit-identical.
    """
    found = [module for module in model.modules() if _class_name(module) in CLASSES]
    kernel = _working_kernel(device) if found and device.is_gpu and not device.compiled else None
    if kernel is None:
        return False
    for module in found:
        module.forward = kernel
    return True


def _class_name(module: torch.nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"


def _working_kernel(device: Device) -> Activation | None:
    """Return the kernel, or None with a warning if it does not work on this device."""
    try:
        from stages.models.encoders.quick_gelu_kernel import quick_gelu  # Triton is not installed on every machine

        _try(quick_gelu, device)
    except Exception as error:  # noqa: BLE001 - Triton, its compiler and the C compiler raise nearly anything
        why = " ".join(str(error).split())
        message = "QuickGELU is not fused on %s; OpenAI's CLIP is slower for it, and the run goes on: %s: %s"
        logging.getLogger(__name__).warning(message, device.place, type(error).__name__, why)
        return None
    return quick_gelu


def _try(kernel: Activation, device: Device) -> None:
    """Compile both versions that a network needs: for sizes that are multiples of 16, and for other sizes.

    Raises ValueError if the kernel gives different numbers from torch.
    """
    with device.computing():
        special = torch.tensor([float("inf"), float("-inf"), float("nan"), 0.0])
        every = torch.cat([torch.linspace(-60, 60, 4092), special]).to(device.place, device.dtype)
        for x in (every, every[:-1]):
            wide = x.float()
            if not torch.allclose(kernel(x).float(), wide * torch.sigmoid(1.702 * wide), equal_nan=True, **TOLERANCE):
                raise ValueError("the kernel gives other numbers than torch")
