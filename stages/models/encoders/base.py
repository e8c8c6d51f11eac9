"""Base: the encoder protocol, and the one place that maps each kind of encoder to its module.

A kind's module has `load(settings, weights, device) -> Encoder`; its weights are found beforehand (checkpoints.py).
To add a kind, write a settings class, a case in checkpoints.py, a module, and a line in MODULES.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.settings import EncoderSettings, Precision
from stages.models.encoders.weights import Weights

MODULES = {
    "open_clip": "stages.models.encoders.open_clip_tower",
    "transformers": "stages.models.encoders.vision_transformer",
    "timm": "stages.models.encoders.timm_backbone",
    "colour": "stages.models.encoders.built_in",
    "structure": "stages.models.encoders.built_in",
}
SAID_OF_MEMORY = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "status_alloc_failed",  # cuBLAS, cuDNN
    "could not create a primitive",  # oneDNN, on a CPU, if there is no memory for its compiled code
)
TOLD = 300  # characters of a library's own message that a refusal quotes


class Encoder(Protocol):
    """Turns images into one vector each.

    `prepare` is the model's own preprocessing of one RGB image; it runs in decoding threads. `encode` turns prepared
    images into an (n, dim) float32 array, not yet of unit length; a row must not depend on the other rows. `encode` may
    be called by several threads at once.
    """

    dim: int
    preparation: str  # encoders with the same value prepare images identically, so it is done once for all of them
    batched: bool  # whether images are computed together, so that their number determines time and memory
    computed: str  # precision and device, such as "bfloat16 on NVIDIA H100 80GB HBM3"

    def prepare(self, image: Image.Image) -> Any: ...

    def encode(self, batch: Sequence[Any]) -> NDArray[np.float32]: ...


def load(
    settings: EncoderSettings, weights: Weights | None, machine: Machine, precision: Precision = "auto"
) -> Encoder:
    """Load the encoder onto the machine's device. Raises Refused if weights, model, settings or device do not fit.

    A failure of the machine (memory, the GPU) is raised unchanged.
    """
    module = import_module(MODULES[settings.kind])
    try:
        encoder: Encoder = module.load(settings, weights, _device(machine, precision) if weights else None)
        _check(encoder)
    except Refused:
        raise
    except Exception as error:  # the libraries raise almost anything for a checkpoint that is not theirs
        if is_out_of_memory(error) or "CUDA" in str(error):
            raise
        named = getattr(settings, "model", "the built-in encoder")
        raise Refused(f"{settings.kind} does not load {named}: {describe(error)}") from error
    return encoder


def is_out_of_memory(error: Exception) -> bool:
    """Whether the error means that this machine or its GPU ran out of memory, in any of the known wordings."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in SAID_OF_MEMORY)


def _device(machine: Machine, precision: Precision) -> Any:
    from stages.models.encoders.device import device_of  # loads torch, which built-in encoders do not need

    return device_of(machine, precision)


def _check(encoder: Encoder) -> None:
    """Raise ValueError unless images of any shape become one vector each, and the same vector each time."""
    wide, tall = (encoder.prepare(Image.new("RGB", size, "grey")) for size in ((64, 48), (48, 64)))
    if np.shape(wide) != np.shape(tall):
        raise ValueError("its preprocessing leaves images of different shapes different; no batch can be made of them")
    once, again = encoder.encode([wide]), encoder.encode([wide])
    if once.shape != (1, encoder.dim):
        raise ValueError(f"it gives an array of shape {once.shape[1:]} for an image, not one vector")
    if not np.allclose(once, again, rtol=1e-3, atol=1e-3, equal_nan=True):
        raise ValueError("it gives another vector for the same image each time")


def describe(error: Exception) -> str:
    """Return a library's own message in one line, shortened."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= TOLD else words[:TOLD] + " ..."
