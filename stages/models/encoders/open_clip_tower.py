"""open_clip's image towers: the projected embedding, with the preprocessing of the model's own configuration.

The feature is `encode_image`, as the author of MMVP states in tsb0601/MMVP issue 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.models.encoders.allocation import Allocation
from stages.models.encoders.checkpoints import HUB, LOCAL, check_activation
from stages.models.encoders.device import Device
from stages.models.encoders.network import Network
from stages.models.encoders.pixels import of_transform
from stages.models.encoders.settings import OpenClip
from stages.models.encoders.weights import Weights

PREPROCESSING = {
    "mean": "image_mean",
    "std": "image_std",
    "interpolation": "image_interpolation",
    "resize_mode": "image_resize_mode",
}


def load(settings: OpenClip, found: Weights, device: Device) -> Network:
    """Load the tower onto the device, from exactly the file that was found: open_clip must not look for its own."""
    model, transform = built(settings.model, settings.pretrained, found)
    return image_network(model, transform, device)


def built(name: str, tag: str | None, found: Weights) -> tuple[Any, Any]:
    """Create open_clip's model with these weights, and its preprocessing of images."""
    if name.startswith((LOCAL, HUB)):
        with found.alone() as folder, Allocation(found):
            return _built(f"{LOCAL}{folder}", None, {})
    check_activation(name, str(tag))
    return _built(name, str(found.files[0]), _preprocessing(name, str(tag)))


def image_network(model: Any, transform: Any, device: Device) -> Network:
    """Return the image tower of an open_clip model."""
    return Network(model, lambda batch: model.encode_image(batch, normalize=False), of_transform(transform), device)


def _built(source: str, weights: str | None, preprocessing: Mapping[str, Any]) -> tuple[Any, Any]:
    """Create open_clip's model and its preprocessing. `weights` is None if `source` is a folder with its own."""
    import open_clip

    model, transform = open_clip.create_model_from_pretrained(source, weights, weights_only=True, **preprocessing)
    return model, transform


def _preprocessing(model: str, tag: str) -> dict[str, Any]:
    """Return the preprocessing arguments for these weights, from open_clip's own table of tags."""
    import open_clip

    facts = open_clip.get_pretrained_cfg(model, tag)
    return {argument: facts[name] for name, argument in PREPROCESSING.items() if name in facts}
