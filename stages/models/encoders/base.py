"""The encoder's protocol, and the one place that knows which module serves which kind.

A kind's module has `load(settings, weights, machine) -> Encoder`; its weights are found beforehand
(checkpoints.py). To add a kind: a settings class, a case in checkpoints.py, a module, a line in MODULES.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stages.base import Machine
from stages.models.encoders.settings import EncoderSettings
from stages.models.encoders.weights import Weights

MODULES = {
    "open_clip": "stages.models.encoders.open_clip_tower",
    "transformers": "stages.models.encoders.vision_transformer",
    "timm": "stages.models.encoders.timm_backbone",
    "colour": "stages.models.encoders.built_in",
    "structure": "stages.models.encoders.built_in",
}


class Encoder(Protocol):
    """Images in, one vector each out.

    `prepare` is the model's own preprocessing of one RGB image; it runs in decoding threads. `encode`
    turns prepared images into an (n, dim) float32 array, not yet of unit length; a row must not
    depend on the other rows.
    """

    dim: int

    def prepare(self, image: Image.Image) -> Any: ...

    def encode(self, batch: Sequence[Any]) -> NDArray[np.float32]: ...


def load(settings: EncoderSettings, weights: Weights | None, machine: Machine) -> Encoder:
    """The encoder, ready on the machine's device. Raises Refused where the weights do not fit the model."""
    encoder: Encoder = import_module(MODULES[settings.kind]).load(settings, weights, machine)
    return encoder
