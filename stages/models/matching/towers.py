"""Towers: a model that matches images and texts, made of an image tower and a text tower of one torch model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stages.base import Machine
from stages.models.answering.settings import Precision
from stages.models.encoders.device import Device, device_as_trained

Inputs = Mapping[str, torch.Tensor]  # of one image or text, by the name of the model's argument; no batch dimension
Features = Callable[..., torch.Tensor]  # the model's arguments in, each (n, ...); (n, dim) vectors out


class Images(Protocol):
    """Prepares images and encodes them to (n, dim) float32, not normalized; network.Network is one."""

    def prepare(self, image: Image.Image) -> Any: ...

    def encode(self, batch: Sequence[Any]) -> NDArray[np.float32]: ...


class Words(Protocol):
    """A tokenizer. Every text gets inputs of the same shape, so that a vector does not depend on other texts."""

    def inputs(self, texts: Sequence[str]) -> list[Inputs]: ...

    def too_long(self, texts: Sequence[str]) -> list[bool]: ...


@dataclass(frozen=True)
class Tower:
    """Computes vectors. On a CPU one at a time, whatever the batch, as Network does."""

    features: Features
    device: Device

    def __call__(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Compute (n, dim) float32, not normalized."""
        with self.device.computing():
            if self.device.batched:
                return self._forward(batch)
            return np.concatenate([self._forward([one]) for one in batch])

    def _forward(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        given = {name: self._input(torch.stack([one[name] for one in batch])) for name in batch[0]}
        vectors: NDArray[np.float32] = self.features(**given).float().cpu().numpy()
        return vectors

    def _input(self, batch: torch.Tensor) -> torch.Tensor:
        batch = self.device.copied(batch)
        return batch.to(self.device.dtype) if batch.is_floating_point() else batch


@dataclass(frozen=True)
class Towers:
    """A model that matches (base.MatchingModel)."""

    images: Images
    words: Words
    texts: Tower
    scale: float
    computed: str

    def prepare(self, image: Image.Image) -> Any:
        return self.images.prepare(image)

    def encode_images(self, prepared: Sequence[Any]) -> NDArray[np.float32]:
        return _unit(self.images.encode(prepared))

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return _unit(self.texts(self.words.inputs(texts)))

    def too_long(self, texts: Sequence[str]) -> list[bool]:
        return self.words.too_long(texts)


def device_of_towers(machine: Machine, precision: Precision) -> Device:
    """Return the machine's device; `auto` is float32, as in MMVP-VLM's script.

    The cosines of a pair's two images are close: on drawn pairs, bfloat16 changed 7 % of a small CLIP's choices.
    """
    return device_as_trained(machine, "float32" if precision == "auto" else precision)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to unit length; a row of zeros, or with a number that is not finite, becomes NaN."""
    wide = vectors.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        rows: NDArray[np.float32] = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)
    return rows
