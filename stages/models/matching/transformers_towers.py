"""CLIP, SigLIP and SigLIP2 of the transformers library: `get_image_features` and `get_text_features`.

Texts are padded to the longest that the text tower takes. SigLIP and SigLIP2 need it: they were trained so, and take
the vector of the last position (transformers, docs/source/en/model_doc/siglip.md). SigLIP's bias belongs to its
sigmoid; it is the same for every image and text, and no part of a cosine.

SigLIP2 was trained on lower-case texts (Tschannen et al. 2025, arXiv:2502.14786, section 2.1). The library lower-cases
them only for `model_type: siglip2` (huggingface/transformers#43101); its checkpoints of one resolution have `siglip`
and Gemma's tokenizer, which keeps capitals. SigLIP's own tokenizer lower-cases. So texts of both are lower-cased here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stages.base import Machine
from stages.models.encoders.allocation import Allocation
from stages.models.encoders.complete import check_complete
from stages.models.encoders.device import Device
from stages.models.encoders.network import BLANK, Network, placed
from stages.models.encoders.pixels import of_processor
from stages.models.encoders.vision_transformer import BACKEND
from stages.models.encoders.weights import Weights
from stages.models.matching.settings import TransformersTowers
from stages.models.matching.towers import Images, Inputs, Tower, Towers, device_of_towers

LOWER_CASE = ("siglip", "siglip2")
TAKEN = ("input_ids", "attention_mask")  # what a tokenizer gives that a text tower takes
PIXELS = "pixel_values"


def load(settings: TransformersTowers, found: Weights, machine: Machine) -> Towers:
    """Load both towers onto the device, from the checked files alone, whatever dtype their checkpoint is stored in."""
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # the evaluation's own progress is shown on that line
    device = device_of_towers(machine, settings.precision)
    # trust_remote_code: if unset, the library asks in the terminal whether to run the checkpoint's own code
    how = {"local_files_only": True, "trust_remote_code": False}
    with found.alone() as folder, Allocation(found):
        tokenizer = AutoTokenizer.from_pretrained(folder, **how)
        processor = AutoImageProcessor.from_pretrained(folder, backend=BACKEND, **how)
        model, told = AutoModel.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, weights_only=True, output_loading_info=True, **how
        )
    check_complete(told["missing_keys"])
    scale = float(model.logit_scale.detach().exp())
    computed = placed(model, device)
    words = TransformersWords(
        tokenizer, model.config.text_config.max_position_embeddings, model.config.model_type in LOWER_CASE
    )
    return Towers(
        _images(model, processor, device), words, Tower(_pooled(model.get_text_features), device), scale, computed
    )


@dataclass(frozen=True)
class TransformersWords:
    """A tokenizer of the transformers library (towers.Words). `longest`: tokens that the text tower takes."""

    tokenizer: Any
    longest: int
    lower_case: bool

    def inputs(self, texts: Sequence[str]) -> list[Inputs]:
        given = self.tokenizer(
            self._cased(texts), padding="max_length", truncation=True, max_length=self.longest, return_tensors="pt"
        )
        return [{name: given[name][place] for name in TAKEN if name in given} for place in range(len(texts))]

    def too_long(self, texts: Sequence[str]) -> list[bool]:
        whole = self.tokenizer(self._cased(texts), padding=False, truncation=False, verbose=False)["input_ids"]
        return [len(tokens) > self.longest for tokens in whole]

    def _cased(self, texts: Sequence[str]) -> list[str]:
        return [text.lower() if self.lower_case else text for text in texts]


class Patches:
    """The images of SigLIP2 that keep their shape (towers.Images): patches, where each lies, and which are padding."""

    def __init__(self, processor: Any, tower: Tower) -> None:
        self._processor, self._tower = processor, tower

    def prepare(self, image: Image.Image) -> Inputs:
        return {name: value[0] for name, value in self._processor(images=image, return_tensors="pt").items()}

    def encode(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        return self._tower(batch)


def _images(model: Any, processor: Any, device: Device) -> Images:
    """Return the image tower: of images all of one shape, or of images that keep their own."""
    features = _pooled(model.get_image_features)
    if set(processor(images=BLANK, return_tensors="pt")) == {PIXELS}:
        return Network(model, lambda batch: features(pixel_values=batch), of_processor(processor), device)
    return Patches(processor, Tower(features, device))


def _pooled(features: Callable[..., Any]) -> Callable[..., torch.Tensor]:
    """Return the function with the vectors alone: from version 5 they lie in an output's `pooler_output`."""

    def vectors(**given: torch.Tensor) -> torch.Tensor:
        out = features(**given)
        found: torch.Tensor = out if isinstance(out, torch.Tensor) else out.pooler_output
        return found

    return vectors
