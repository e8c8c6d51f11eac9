"""Vision transformers of the transformers library: DINOv2 and similar models, by CLS or mean patch token.

The feature is the library's `last_hidden_state`. DINOv2's comes after the final LayerNorm: its CLS token is what
torch.hub's `dinov2_vitl14` returns when called (facebookresearch/dinov2, vision_transformer.py: x_norm_clstoken).
CLIP's comes before it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch

from stages.models.encoders.allocation import Allocation
from stages.models.encoders.complete import check_complete
from stages.models.encoders.device import Device
from stages.models.encoders.eval_transform import eval_transform
from stages.models.encoders.network import Network
from stages.models.encoders.pixels import Pixels, of_processor, of_transform
from stages.models.encoders.settings import Preprocessing, Transformers
from stages.models.encoders.weights import Weights

# the library's default; its PIL backend gives different pixels (cosines of pairs change by up to 7e-4)
BACKEND = "torchvision"
# weights a checkpoint may lack, because `last_hidden_state` of an unmasked image does not depend on them
UNUSED = ("pooler.", "head.", "mask_token")


def load(settings: Transformers, found: Weights, device: Device) -> Network:
    """Load the transformer onto the device, whatever dtype its checkpoint is stored in."""
    from transformers import AutoImageProcessor, AutoModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # the run's own progress is shown on that line
    # trust_remote_code: if unset, the library asks in the terminal whether to run the checkpoint's own code
    with found.alone() as folder, Allocation(found):
        processor = AutoImageProcessor.from_pretrained(folder, backend=BACKEND, trust_remote_code=False)
        whole, told = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            weights_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    model = getattr(whole, "vision_model", whole)  # the image tower of a two-tower model (SigLIP, CLIP)
    check_complete(_used(told["missing_keys"], "" if model is whole else "vision_model."))
    special = _tokens_before_patches(model, settings.pooling)

    def features(batch: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = model(pixel_values=batch).last_hidden_state
        return tokens[:, 0] if settings.pooling == "cls" else tokens[:, special:].mean(dim=1)

    return Network(model, features, _pixels(processor, settings.preprocessing), device)


def _pixels(processor: Any, preprocessing: Preprocessing) -> Pixels:
    return of_processor(processor) if preprocessing == "library" else of_transform(eval_transform(processor))


def _used(missing: Collection[str], tower: str) -> list[str]:
    """Return which of the missing weights are of the image tower and change its features."""
    return [key for key in missing if key.startswith(tower) and not any(part in key for part in UNUSED)]


def _tokens_before_patches(model: torch.nn.Module, pooling: str) -> int:
    """Count the CLS token, distillation token and registers. Raises ValueError if CLS is requested but missing."""
    embeddings = getattr(model, "embeddings", None)
    has_cls = any(hasattr(embeddings, name) for name in ("cls_token", "class_embedding"))
    if pooling == "cls" and not has_cls:
        raise ValueError("it has no CLS token; use pooling: mean_patch")
    distilled = hasattr(embeddings, "distillation_token")
    return int(has_cls) + int(distilled) + int(getattr(model.config, "num_register_tokens", 0) or 0)
