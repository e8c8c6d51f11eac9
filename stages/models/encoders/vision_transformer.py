"""Vision transformers of the transformers library: DINOv2 and its kin, by CLS or mean patch token.

The feature is `last_hidden_state` after the final LayerNorm: its CLS token is what torch.hub's
`dinov2_vitl14` returns when called (facebookresearch/dinov2, vision_transformer.py: x_norm_clstoken).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.settings import Transformers
from stages.models.encoders.torch_device import device_of, on_host, stacked
from stages.models.encoders.weights import Weights

# the library's default; its PIL backend gives other pixels (cosines of pairs moved by up to 7e-4)
BACKEND = "torchvision"


class VisionTransformer:
    """One transformer in float32, whatever its checkpoint is stored as."""

    def __init__(self, folder: Path, pooling: str, machine: Machine) -> None:
        from transformers import AutoImageProcessor, AutoModel
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # the run's own progress is on that line
        self._device, self._pooling = device_of(machine), pooling
        self._processor = AutoImageProcessor.from_pretrained(folder, backend=BACKEND)
        model = AutoModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        model = getattr(model, "vision_model", model)  # of a two-tower model (SigLIP, CLIP) the image tower
        self._model = model.to(self._device).eval()
        self.dim = int(model.config.hidden_size)
        self._special = _tokens_before_patches(model, pooling)

    def prepare(self, image: Image.Image) -> torch.Tensor:
        """(3, height, width) float32 by the model's own image processor."""
        tensor: torch.Tensor = self._processor(images=image, return_tensors="pt")["pixel_values"][0]
        return tensor

    @torch.inference_mode()
    def encode(self, batch: Sequence[torch.Tensor]) -> NDArray[np.float32]:
        """(n, dim) float32, not normalised."""
        tokens = self._model(pixel_values=stacked(batch, self._device)).last_hidden_state
        return on_host(tokens[:, 0] if self._pooling == "cls" else tokens[:, self._special :].mean(dim=1))


def _tokens_before_patches(model: torch.nn.Module, pooling: str) -> int:
    """CLS and registers. Raises ValueError where CLS is asked of a model that has none, such as SigLIP."""
    embeddings = getattr(model, "embeddings", None)
    has_cls = any(hasattr(embeddings, name) for name in ("cls_token", "class_embedding"))
    if pooling == "cls" and not has_cls:
        raise ValueError("it has no CLS token; use pooling: mean_patch")
    return int(has_cls) + int(getattr(model.config, "num_register_tokens", 0) or 0)


def load(settings: Transformers, found: Weights, machine: Machine) -> VisionTransformer:
    """The transformer on the machine's device. Raises Refused where the folder is no vision transformer's."""
    try:
        return VisionTransformer(found.folder, settings.pooling, machine)
    except (ValueError, KeyError, OSError, AttributeError) as error:
        raise Refused(f"transformers does not load {settings.model}: {str(error).splitlines()[0]}") from error
