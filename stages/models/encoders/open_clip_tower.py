"""open_clip's image towers: the projected embedding, preprocessed as the model's own configuration says.

Source of the feature: `encode_image`, as the author of MMVP answers in tsb0601/MMVP issue 10.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.settings import OpenClip
from stages.models.encoders.torch_device import device_of, on_host, stacked
from stages.models.encoders.weights import Weights, from_folder, from_hub

LOCAL, HUB = "local-dir:", "hf-hub:"
CONFIG = "open_clip_config.json"
NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")


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


def weights(settings: OpenClip) -> Weights:
    """The tower's checkpoint: a folder, a hub repository, or open_clip's own name and tag."""
    if settings.model.startswith((LOCAL, HUB)) and settings.pretrained:
        raise Refused(f"{settings.model} brings its own weights: leave out pretrained: {settings.pretrained}")
    if settings.model.startswith(LOCAL):
        return from_folder(Path(settings.model.removeprefix(LOCAL)).expanduser(), CONFIG, NAMES)
    if settings.model.startswith(HUB):
        return from_hub(settings.model.removeprefix(HUB), None, CONFIG, NAMES)
    return from_hub(_repository(settings.model, settings.pretrained), None, CONFIG, NAMES)


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


def _repository(model: str, tag: str | None) -> str:
    """The hub repository behind open_clip's name and tag. Raises Refused for names it does not know."""
    import open_clip

    if model not in open_clip.list_models():
        raise Refused(f"open_clip knows no model {model}{_nearest(model, open_clip.list_models())}")
    tags = open_clip.list_pretrained_tags_by_model(model)
    if tag is None or tag not in tags:
        raise Refused(f"open_clip has no weights {tag} for {model}; it has: {', '.join(tags) or 'none'}")
    facts = open_clip.get_pretrained_cfg(model, tag)
    _check_activation(model, tag, bool(facts.get("quick_gelu")))
    if not facts.get("hf_hub"):
        raise Refused(f"{model} {tag} is published as a pickle only, which is not opened; choose another tag")
    return str(facts["hf_hub"]).rsplit("/", 1)[0]


def _check_activation(model: str, tag: str, wanted: bool) -> None:
    import open_clip

    if bool((open_clip.get_model_config(model) or {}).get("quick_gelu")) != wanted:
        twin = f"{model}-quickgelu" if wanted else model.removesuffix("-quickgelu")
        raise Refused(f"{model} has another activation than its weights {tag} were trained with; use {twin}")


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _size(model: torch.nn.Module) -> tuple[int, int]:
    side = model.visual.image_size
    return tuple(side) if isinstance(side, (tuple, list)) else (side, side)
