"""Base: the protocol of models that match images and texts, and the one place that maps each kind to its module."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.base import describe, is_out_of_memory
from stages.models.encoders.weights import Weights
from stages.models.matching.settings import MatchingSettings

MODULES = {
    "open_clip": "stages.models.matching.open_clip_towers",
    "clip": "stages.models.matching.transformers_towers",
}


class MatchingModel(Protocol):
    """A model with an image tower and a text tower, loaded.

    Both `encode` methods return (n, dim) float32 rows of unit length; a row does not depend on the others.
    """

    computed: str
    scale: float  # what the model multiplies cosines with before a softmax

    def prepare(self, image: Image.Image) -> Any: ...

    def encode_images(self, prepared: Sequence[Any]) -> NDArray[np.float32]: ...

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]: ...

    def too_long(self, texts: Sequence[str]) -> list[bool]:
        """Return which texts are cut, because they have more tokens than the text tower takes."""
        ...


def load(settings: MatchingSettings, weights: Weights, machine: Machine) -> MatchingModel:
    """Load a model. Raises Refused if weights, model or settings do not fit; a failure of the machine as it is."""
    module = import_module(MODULES[settings.kind])
    try:
        model: MatchingModel = module.load(settings, weights, machine)
        _check(model)
    except Refused:
        raise
    except Exception as error:  # the libraries raise almost anything for a checkpoint that is not theirs
        if is_out_of_memory(error) or "CUDA" in str(error):
            raise
        raise Refused(f"{settings.kind} does not load {settings.model}: {describe(error)}") from error
    return model


def _check(model: MatchingModel) -> None:
    """Raise ValueError unless an image and a text become vectors of one space."""
    [image] = model.encode_images([model.prepare(Image.new("RGB", (64, 48), "grey"))])
    [text] = model.encode_texts(["a photo"])
    if image.shape != text.shape:
        raise ValueError(f"its vectors of images have shape {image.shape} and those of texts {text.shape}")
