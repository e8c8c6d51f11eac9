"""Network: a torch model that encodes images, with its library's preprocessing, on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stages.models.encoders.device import Device
from stages.models.encoders.pixels import Pixels
from stages.models.encoders.quick_gelu import fuse

BLANK = Image.new("RGB", (64, 64))


class Network:
    """An encoder (base.Encoder) made from a torch model.

    `features` maps the model's input, (n, 3, height, width) in the device's dtype, to (n, dim) vectors.
    """

    def __init__(
        self, model: torch.nn.Module, features: Callable[[torch.Tensor], torch.Tensor], pixels: Pixels, device: Device
    ) -> None:
        self.computed = placed(model, device)
        self._features = torch.compile(features, dynamic=False) if device.compiled else features
        self._pixels, self._device = pixels, device
        self.preparation, self.batched = pixels.identity, device.batched
        self.dim = int(self.encode([self.prepare(BLANK)]).shape[1])

    def prepare(self, image: Image.Image) -> torch.Tensor:
        """Prepare an image: (3, height, width), uint8 if the preprocessing could be split (pixels.py), else float32."""
        return self._pixels.prepare(image)

    def encode(self, batch: Sequence[torch.Tensor]) -> NDArray[np.float32]:
        """Encode images to (n, dim) float32, not normalized. On a CPU, one image at a time, whatever the batch."""
        with self._device.computing():
            if self._device.batched:
                return self._forward(torch.stack(list(batch)))
            return np.concatenate([self._forward(image[None]) for image in batch])

    def _forward(self, batch: torch.Tensor) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = self._features(self._input(self._device.copied(batch))).float().cpu().numpy()
        return vectors

    def _input(self, batch: torch.Tensor) -> torch.Tensor:
        return self._pixels.finish(batch).to(self._device.dtype)


def placed(model: torch.nn.Module, device: Device) -> str:
    """Move a model to the device, in its dtype, ready to compute. Return what is computed how (`Encoder.computed`)."""
    model.to(device.place, device.dtype).eval()
    if device.is_gpu:
        torch.cuda.synchronize(device.place)  # threads' streams do not wait for the one that copied the weights
    return f"{device}, QuickGELU fused" if fuse(model, device) else str(device)
