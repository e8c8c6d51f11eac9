"""Library paths: how open_clip, transformers and timm themselves turn a picture into a vector.

A transformers encoder has two paths: behind the library's image processor, and behind DINOv2's own evaluation
transform, which uses torchvision (facebookresearch/dinov2, dinov2/data/transforms.py,
make_classification_eval_transform). Each function is given an encoder's settings and its weight files: a library left
to find the files itself may open a pickle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from PIL import Image

from stages.models.encoders.settings import OpenClip, Timm, Transformers
from stages.models.encoders.weights import Weights

# transformers processors that only resize, crop and normalize, so that torchvision can do the same
PLAIN = ("BitImageProcessor", "ViTImageProcessor", "SiglipImageProcessor", "CLIPImageProcessor")
PIXELS_BY = {"library": "its image processor", "torchvision": "torchvision"}

Encode = Callable[[Image.Image], Any]  # one RGB picture -> its vector, of any length
Prepare = Callable[[Image.Image], Any]  # one RGB picture -> (1, 3, height, width) pixels


@dataclass(frozen=True)
class Reference:
    """The reference of an encoder: in words, and as a function of one RGB picture.

    `others`: the same network behind each other preprocessing that a recipe may request, by its name.
    """

    what: str
    encode: Encode
    others: Mapping[str, Encode] = field(default_factory=dict)


def of_open_clip(settings: OpenClip, found: Weights) -> Encode:
    import open_clip
    import torch

    if settings.model.startswith(("local-dir:", "hf-hub:")):
        with found.alone() as folder:
            model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    else:
        tag = open_clip.get_pretrained_cfg(settings.model, settings.pretrained)
        model, preprocess = open_clip.create_model_from_pretrained(
            settings.model,
            pretrained=str(found.files[0]),
            image_mean=tag.get("mean"),
            image_std=tag.get("std"),
            image_interpolation=tag.get("interpolation"),
            image_resize_mode=tag.get("resize_mode"),
        )
    model.eval()

    def encode(image: Image.Image) -> Any:
        with torch.inference_mode():
            return model.encode_image(preprocess(image).unsqueeze(0))[0].numpy()

    return encode


def of_transformers(settings: Transformers, found: Weights) -> Reference:
    from transformers import AutoImageProcessor

    with found.alone() as folder:
        processor = AutoImageProcessor.from_pretrained(folder, backend="torchvision", trust_remote_code=False)
    ways: dict[str, Prepare] = {"library": lambda image: processor(images=image, return_tensors="pt")["pixel_values"]}
    if settings.preprocessing == "torchvision" or _is_plain(processor):
        ways["torchvision"] = _evaluation_transform(processor)
    encode = _network(settings, found)
    made: dict[str, Encode] = {name: partial(_prepared, prepare, encode) for name, prepare in ways.items()}
    what = f"transformers {settings.model}, {settings.pooling}, pixels by {PIXELS_BY[settings.preprocessing]}"
    return Reference(what, made.pop(settings.preprocessing), made)


def _prepared(prepare: Prepare, encode: Encode, image: Image.Image) -> Any:
    return encode(prepare(image))


def _is_plain(processor: Any) -> bool:
    """Whether the processor only resizes, crops and normalizes, to sizes that torchvision accepts."""
    known = not processor.do_resize or processor.size["shortest_edge"] or processor.size["height"]
    return type(processor).__name__.startswith(PLAIN) and bool(known and processor.do_rescale)


def _evaluation_transform(processor: Any) -> Prepare:
    """Return DINOv2's own evaluation transform, with the numbers of the checkpoint's processor."""
    from torchvision import transforms

    modes = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
    steps: list[Any] = [transforms.ToTensor()]
    if getattr(processor, "do_center_crop", False):
        steps.insert(0, transforms.CenterCrop((processor.crop_size["height"], processor.crop_size["width"])))
    if processor.do_resize:
        size = processor.size["shortest_edge"] or (processor.size["height"], processor.size["width"])
        mode = transforms.InterpolationMode(modes[int(processor.resample)])
        steps.insert(0, transforms.Resize(size, interpolation=mode))
    if processor.do_normalize:
        steps.append(transforms.Normalize(mean=processor.image_mean, std=processor.image_std))
    whole = transforms.Compose(steps)
    return lambda image: whole(image)[None]


def _network(settings: Transformers, found: Weights) -> Callable[[Any], Any]:
    """Return a function from (1, 3, height, width) pixels to the vector of the configured pooling."""
    import torch
    from transformers import AutoModel

    with found.alone() as folder:
        whole = AutoModel.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, weights_only=True, trust_remote_code=False
        ).eval()
    model = getattr(whole, "vision_model", whole)

    def encode(pixels: Any) -> Any:
        with torch.inference_mode():
            tokens = model(pixel_values=pixels).last_hidden_state[0]
            if settings.pooling == "cls":
                return tokens[0].numpy()
            # patches come last, so the tokens before them (CLS, registers) need not be counted
            height, width = pixels.shape[-2:]
            side = model.config.patch_size
            return tokens[-(height // side) * (width // side) :].mean(dim=0).numpy()

    return encode


def of_timm(settings: Timm, found: Weights) -> Encode:
    import timm
    import torch

    local = settings.model.startswith("local-dir:")
    model = timm.create_model(
        f"local-dir:{found.folder}" if local else settings.model,
        pretrained=True,
        num_classes=0,
        pretrained_cfg_overlay={"file": str(found.files[0]), "source": None, "custom_load": False},
    ).eval()
    facts = timm.data.resolve_model_data_config(model)
    transform = timm.data.create_transform(**facts, is_training=False)

    def encode(image: Image.Image) -> Any:
        with torch.inference_mode():
            return model(transform(image).unsqueeze(0))[0].numpy()

    return encode
