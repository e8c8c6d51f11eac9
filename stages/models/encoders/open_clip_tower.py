"""open_clip's image towers: the projected embedding, preprocessed as the model's own configuration says.

Source of the feature: `encode_image`, as the author of MMVP answers in tsb0601/MMVP issue 10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stages.base import Machine
from stages.models.encoders.checkpoints import HUB, LOCAL, check_activation
from stages.models.encoders.settings import OpenClip
from stages.models.encoders.torch_device import device_of, on_host, stacked
from stages.models.encoders.weights import Weights

PREPROCESSING = {
    "mean": "image_mean",
    "std": "image_std",
    "interpolation": "image_interpolation",
    "resize_mode": "image_resize_mode",
}


class OpenClipTower:
    """One image tower in float32. `weights` is None where `source` is a folder with its own."""

    def __init__(self, source: str, weights: str | None, preprocessing: Mapping[str, Any], machine: Machine) -> None:
        import open_clip

        self._device = device_of(machine)
        model, self._preprocess = open_clip.create_model_from_pretrained(source, weights, **preprocessing)
        self._model = model.to(self._device).eval()
        self.dim = int(self.encode([torch.zeros(3, *_size(model))]).shape[1])

    def prepare(self, image: Image.Image) -> torch.Tensor:
        """(3, height, width) float32 by the model's own transform."""
        tensor: torch.Tensor = self._preprocess(image)
        return tensor

    @torch.inference_mode()
    def encode(self, batch: Sequence[torch.Tensor]) -> NDArray[np.float32]:
        """(n, dim) float32, not normalised."""
        return on_host(self._model.encode_image(stacked(batch, self._device), normalize=False))


def load(settings: OpenClip, found: Weights, machine: Machine) -> OpenClipTower:
    """The tower on the machine's device, from the very file that was found: open_clip is not left to find its own."""
    if settings.model.startswith((LOCAL, HUB)):
        return OpenClipTower(f"{LOCAL}{found.folder}", None, {}, machine)
    tag = str(settings.pretrained)
    check_activation(settings.model, tag)
    return OpenClipTower(settings.model, str(found.files[0]), _preprocessing(settings.model, tag), machine)


def _preprocessing(model: str, tag: str) -> dict[str, Any]:
    """How images are prepared for these weights, as open_clip's own table of tags says."""
    import open_clip

    facts = open_clip.get_pretrained_cfg(model, tag)
    return {argument: facts[name] for name, argument in PREPROCESSING.items() if name in facts}


def _size(model: torch.nn.Module) -> tuple[int, int]:
    side = model.visual.image_size
    return tuple(side) if isinstance(side, (tuple, list)) else (side, side)
