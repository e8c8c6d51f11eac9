"""timm's backbones: pooled features before any classifier, preprocessed as the model's configuration says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stages.base import Machine
from stages.models.encoders.checkpoints import LOCAL
from stages.models.encoders.settings import Timm
from stages.models.encoders.torch_device import device_of, on_host, stacked
from stages.models.encoders.weights import Weights


class TimmBackbone:
    """One backbone in float32."""

    def __init__(self, folder: Path, machine: Machine) -> None:
        import timm

        self._device = device_of(machine)
        # with its own classifier first: asked for none, timm lets any other weights be missing too
        model = timm.create_model(f"{LOCAL}{folder}", pretrained=True)
        model.reset_classifier(0)
        facts = timm.data.resolve_model_data_config(model)
        self._transform = timm.data.create_transform(**facts, is_training=False)
        self._model = model.to(self._device).eval()
        self.dim = int(self.encode([torch.zeros(facts["input_size"])]).shape[1])

    def prepare(self, image: Image.Image) -> torch.Tensor:
        """(3, height, width) float32 by the model's own evaluation transform."""
        tensor: torch.Tensor = self._transform(image)
        return tensor

    @torch.inference_mode()
    def encode(self, batch: Sequence[torch.Tensor]) -> NDArray[np.float32]:
        """(n, dim) float32, not normalised."""
        return on_host(self._model(stacked(batch, self._device)))


def load(settings: Timm, found: Weights, machine: Machine) -> TimmBackbone:
    """The backbone on the machine's device."""
    return TimmBackbone(found.folder, machine)
