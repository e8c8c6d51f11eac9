"""Reference: each library's own documented path, in float32 on the CPU, one image at a time. The oracle.

An encoder of transformers has two: the library's image processor, and DINOv2's own evaluation transform, which is
torchvision's (facebookresearch/dinov2, dinov2/data/transforms.py, make_classification_eval_transform).

Shares no code with what it judges (an import contract says so): it opens files with Pillow, and calls open_clip,
transformers and timm as their documentation does. It is told an encoder's settings, and which files its weights are:
left to find them, a library may open a pickle.
Of the built-in encoders there is no library: they are called directly on the picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from pipeline.parity.result import Picture, Side, Vector
from stages.models.encoders.colour import Colour
from stages.models.encoders.settings import EncoderSettings, OpenClip, Timm, Transformers
from stages.models.encoders.structure import Structure
from stages.models.encoders.weights import Weights

# never all that Pillow knows: its EPS starts ghostscript on the file
OPENED = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "AVIF")

# processors of transformers that only resize, crop and normalise, so that torchvision can do the same
PLAIN = ("BitImageProcessor", "ViTImageProcessor", "SiglipImageProcessor", "CLIPImageProcessor")
PIXELS_BY = {"library": "its image processor", "torchvision": "torchvision"}

Encode = Callable[[Image.Image], Any]  # one RGB picture -> its vector, of any length
Prepare = Callable[[Image.Image], Any]  # one RGB picture -> (1, 3, height, width) pixels


@dataclass(frozen=True)
class Reference:
    """What an encoder is compared with: in words, and as a function of one RGB picture.

    `others`: the same network behind another preprocessing that a recipe may ask for, by its name.
    """

    what: str
    encode: Encode
    others: Mapping[str, Encode] = field(default_factory=dict)


def by_reference(encoders: Mapping[str, Encode], pictures: Sequence[Picture]) -> Side:
    """What the libraries make of each picture."""
    side = Side({name: {} for name in encoders}, {})
    for picture in pictures:
        try:
            image = _opened(picture)
            made = {name: _unit(encode(image)) for name, encode in encoders.items()}
        except MemoryError:  # the machine's failure, not the picture's
            raise
        except Exception as error:  # noqa: BLE001 - Pillow's plugins and the libraries raise nearly anything
            side.rejected[picture.name] = f"{type(error).__name__}: {error}"
            continue
        for name, vector in made.items():
            side.vectors[name][picture.name] = vector
    return side


def encoder_of(settings: EncoderSettings, found: Weights | None) -> Reference:
    """An encoder's reference, loaded."""
    if isinstance(settings, OpenClip):
        assert found
        what = " ".join(filter(None, ("open_clip", settings.model, settings.pretrained)))
        return Reference(what, _open_clip(settings, found))
    if isinstance(settings, Transformers):
        assert found
        return _transformers(settings, found)
    if isinstance(settings, Timm):
        assert found
        return Reference(f"timm {settings.model}", _timm(settings, found))
    what = f"{settings.kind}, built in: there is no library, its own code was called directly"
    return Reference(what, _of_colour() if settings.kind == "colour" else _of_structure())


def _unit(vector: Any) -> Vector:
    wide = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(wide))
    if not (np.isfinite(length) and length > 0):
        raise ValueError("its vector is zero or not finite")
    return wide / length


def _of_colour() -> Encode:
    colour = Colour()
    return lambda image: colour.encode([colour.prepare(image)])[0]


def _of_structure() -> Encode:
    structure = Structure()
    return lambda image: structure.encode([structure.prepare(image)])[0]


def _opened(picture: Picture) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(picture.path, formats=OPENED).convert("RGB")


def _open_clip(settings: OpenClip, found: Weights) -> Encode:
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


def _transformers(settings: Transformers, found: Weights) -> Reference:
    from transformers import AutoImageProcessor

    with found.alone() as folder:
        processor = AutoImageProcessor.from_pretrained(folder, backend="torchvision", trust_remote_code=False)
    ways: dict[str, Prepare] = {"library": lambda image: processor(images=image, return_tensors="pt")["pixel_values"]}
    if settings.preprocessing == "torchvision" or type(processor).__name__.startswith(PLAIN):
        ways["torchvision"] = _evaluation_transform(processor)
    encode = _network(settings, found)
    made: dict[str, Encode] = {name: partial(_prepared, prepare, encode) for name, prepare in ways.items()}
    what = f"transformers {settings.model}, {settings.pooling}, pixels by {PIXELS_BY[settings.preprocessing]}"
    return Reference(what, made.pop(settings.preprocessing), made)


def _prepared(prepare: Prepare, encode: Encode, image: Image.Image) -> Any:
    return encode(prepare(image))


def _evaluation_transform(processor: Any) -> Prepare:
    """DINOv2's own, with the numbers of the checkpoint's processor."""
    from torchvision import transforms

    size, crop = processor.size, processor.crop_size if getattr(processor, "do_center_crop", False) else None
    modes = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
    whole = transforms.Compose(
        [
            transforms.Resize(
                size["shortest_edge"] or (size["height"], size["width"]),
                interpolation=transforms.InterpolationMode(modes[int(processor.resample)]),
            ),
            *([transforms.CenterCrop((crop["height"], crop["width"]))] if crop else []),
            transforms.ToTensor(),
            transforms.Normalize(mean=processor.image_mean, std=processor.image_std),
        ]
    )
    return lambda image: whole(image)[None]


def _network(settings: Transformers, found: Weights) -> Callable[[Any], Any]:
    """Of (1, 3, height, width) pixels the vector that the pooling asks for."""
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
            # patches come last, so those before them (CLS, registers) need not be counted
            height, width = pixels.shape[-2:]
            side = model.config.patch_size
            return tokens[-(height // side) * (width // side) :].mean(dim=0).numpy()

    return encode


def _timm(settings: Timm, found: Weights) -> Encode:
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
