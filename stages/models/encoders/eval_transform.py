"""Evaluation transform: DINOv2's own preprocessing, torchvision's resize, crop and normalization of a PIL image.

Source: facebookresearch/dinov2, dinov2/data/transforms.py, `make_classification_eval_transform`: Resize(256, bicubic),
CenterCrop(224), ToTensor, Normalize. The image processor of transformers does the same with different code: its crop is
one pixel off torchvision's if a resized side is odd, and it resizes tensors, which rounds differently. The sizes,
filter, mean and std are those in the checkpoint's `preprocessor_config.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor

FILTERS = (  # indexed by Pillow's numbers, which checkpoints use
    InterpolationMode.NEAREST,
    InterpolationMode.LANCZOS,
    InterpolationMode.BILINEAR,
    InterpolationMode.BICUBIC,
    InterpolationMode.BOX,
    InterpolationMode.HAMMING,
)
DONE = ("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb")
APART = 1.5  # pixels by which the two may differ: crops are rounded, and interpolation rounds


def eval_transform(processor: Any) -> Compose:
    """Build the checkpoint's preprocessing from torchvision: an RGB image in, (3, height, width) float32 out.

    `processor`: the checkpoint's image processor of transformers. Only its settings are used. Raises ValueError if they
    require more than torchvision's resize, crop and normalization.
    """
    if odd := [
        name for name in dir(processor) if name.startswith("do_") and name not in DONE and getattr(processor, name)
    ]:
        raise _not_done(odd[0])
    if not processor.do_rescale or abs(processor.rescale_factor * 255 - 1) > 1e-6:
        raise _not_done("another rescale_factor than 1/255")
    made = Compose([*_resize(processor), *_crop(processor), ToTensor(), *_normalize(processor)])
    _check_alike(made, processor)
    return made


def _resize(processor: Any) -> list[Any]:
    if not processor.do_resize:
        return []
    size, resample = _given(processor.size), int(processor.resample)
    if resample not in range(len(FILTERS)):
        raise _not_done(f"resample {resample}")
    return [Resize(size["shortest_edge"] if set(size) == {"shortest_edge"} else _sides(size), FILTERS[resample])]


def _crop(processor: Any) -> list[Any]:
    return [CenterCrop(_sides(_given(processor.crop_size)))] if getattr(processor, "do_center_crop", None) else []


def _normalize(processor: Any) -> list[Any]:
    return [Normalize(processor.image_mean, processor.image_std)] if processor.do_normalize else []


def _given(size: Any) -> Mapping[str, int]:
    return {name: value for name, value in dict(size).items() if value is not None}


def _sides(size: Mapping[str, int]) -> list[int]:
    if set(size) != {"height", "width"}:
        raise _not_done(f"the size {dict(size)}")
    return [size["height"], size["width"]]


def _check_alike(made: Compose, processor: Any) -> None:
    """Check that both treat a linear gradient nearly alike; if not, the processor has a step not in its settings."""
    slope = Image.linear_gradient("L")
    picture = Image.merge("RGB", (slope, slope.rotate(90), slope.rotate(180)))
    ours, theirs = made(picture), processor(images=picture, return_tensors="pt")["pixel_values"][0]
    a_pixel = (theirs.max() - theirs.min()) / min(theirs.shape[-2:])
    if ours.shape != theirs.shape or (ours - theirs).abs().max() > APART * a_pixel:
        raise _not_done("a step of its own")


def _not_done(what: str) -> ValueError:
    return ValueError(
        f"its preprocessor_config.json asks for {what}, which torchvision's evaluation transform does not do; "
        "use preprocessing: library"
    )
