"""open_clip's image towers: the projected embedding, preprocessed as the model's own configuration says.

Source of the feature: `encode_image`, as the author of MMVP answers in tsb0601/MMVP issue 10.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.checkpoints import HUB, LOCAL
from stages.models.encoders.settings import OpenClip
from stages.models.encoders.torch_device import device_of, on_host, stacked
from stages.models.encoders.weights import Weights


class OpenClipTower:
    """One image tower in float32."""

    def __init__(self, source: str, pretrained: str | None, machine: Machine) -> None:
        import open_clip

        self._device = device_of(machine)
        with warnings.catch_warnings():
            # the wrong activation gives plausible, wrong vectors: never only a warning
            warnings.filterwarnings("error", message=".*QuickGELU mismatch.*")
            model, self._preprocess = open_clip.create_model_from_pretrained(source, pretrained)
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
    """The tower on the machine's device. Raises Refused where weights and architecture do not match."""
    named = not settings.model.startswith((LOCAL, HUB))
    source = settings.model if named else f"{LOCAL}{found.folder}"
    try:
        return OpenClipTower(source, settings.pretrained, machine)
    except (UserWarning, RuntimeError, KeyError) as error:
        if "out of memory" in str(error):
            raise
        raise Refused(f"open_clip does not load {settings.model}: {str(error).splitlines()[0]}") from error


def _size(model: torch.nn.Module) -> tuple[int, int]:
    side = model.visual.image_size
    return tuple(side) if isinstance(side, (tuple, list)) else (side, side)
