"""Pixels: a library's own preprocessing, cut in two where pixels are still bytes.

Resizing and cropping run in decoding threads and leave (3, height, width) uint8. What follows (to floats, mean,
std) runs on a batch, on the device: a quarter of the bytes wait and are copied. Both halves are the library's own
functions. On odd pictures the halves must give bit for bit what the whole gives; where they do not, the
preprocessing is not cut, and runs whole in the decoding threads.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

Whole = Callable[[Image.Image], torch.Tensor]  # -> (3, height, width) float32
Batch = Callable[[torch.Tensor], torch.Tensor]  # (n, 3, height, width) uint8 -> float32
SHAPES = ((160, 97), (97, 160), (611, 400), (224, 224), (20, 33))  # of the odd pictures: width, height
TO_TENSOR = ("ToTensor", "MaybeToTensor")


@dataclass(frozen=True)
class Pixels:
    """How images become a network's input: `prepare` one image, then `finish` a batch of them.

    `identity`: encoders of the same one prepare images alike, so that one of them does for all.
    """

    prepare: Whole
    finish: Batch
    identity: str


def of_transform(whole: Any) -> Pixels:
    """torchvision's `Compose`, as open_clip and timm make it: resize, crop, to a tensor, mean and std."""
    steps = list(getattr(whole, "transforms", []))
    cut = next((place for place, step in enumerate(steps) if type(step).__name__ in TO_TENSOR), None)
    if cut is None:
        return _whole(whole)

    def prepare(image: Image.Image) -> torch.Tensor:
        for step in steps[:cut]:
            image = step(image)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()

    def finish(batch: torch.Tensor) -> torch.Tensor:
        floats = batch.to(torch.float32).div(255)
        for step in steps[cut + 1 :]:
            floats = step(floats)
        return floats

    return _same(whole, prepare, finish)


def of_processor(processor: Any) -> Pixels:
    """An image processor of transformers with the torchvision backend."""
    # torch warns that it could write into Pillow's bytes: nobody does, and a copy of a large photo takes long
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")

    def whole(image: Image.Image) -> torch.Tensor:
        tensor: torch.Tensor = processor(images=image, return_tensors="pt")["pixel_values"][0]
        return tensor

    def prepare(image: Image.Image) -> torch.Tensor:
        pixels = torch.from_numpy(np.asarray(image)).permute(2, 0, 1)  # a view: the resize takes it as it lies
        if processor.do_resize:
            pixels = processor.resize(pixels[None], processor.size, resample=processor.resample)[0]
        if getattr(processor, "do_center_crop", None):
            pixels = processor.center_crop(pixels, processor.crop_size)
        return pixels.contiguous()

    def finish(batch: torch.Tensor) -> torch.Tensor:
        scale = processor.do_rescale, processor.rescale_factor
        floats: torch.Tensor = processor.rescale_and_normalize(
            batch, *scale, processor.do_normalize, processor.image_mean, processor.image_std
        )
        return floats

    return _same(whole, prepare, finish)


def _whole(whole: Whole) -> Pixels:
    return Pixels(whole, lambda batch: batch, _digest([whole(image) for image in _odd_pictures()]))


def _same(whole: Whole, prepare: Whole, finish: Batch) -> Pixels:
    """The two halves, if they give what the whole gives."""
    try:
        firsts = [prepare(image) for image in _odd_pictures()]
        seconds = [finish(first[None])[0] for first in firsts]
        same = all(map(torch.equal, seconds, map(whole, _odd_pictures())))
    except (AttributeError, TypeError, ValueError, RuntimeError):  # a processor with steps of its own
        same = False
    return Pixels(prepare, finish, _digest(firsts)) if same else _whole(whole)


def _digest(pictures: list[torch.Tensor]) -> str:
    """What a preparation is known by: what it makes of the odd pictures."""
    hasher = hashlib.sha256()
    for picture in pictures:
        hasher.update(f"{picture.dtype} {tuple(picture.shape)} ".encode())
        hasher.update(picture.numpy().tobytes())
    return hasher.hexdigest()


def _odd_pictures() -> Iterator[Image.Image]:
    """Blotches with grain, in many shapes: resizing or cropping one pixel off shows."""
    for seed, (width, height) in enumerate(SHAPES):
        dice = np.random.default_rng(seed)
        blotches = Image.fromarray(dice.integers(0, 256, (4, 5, 3), dtype=np.uint8)).resize((width, height))
        grain = dice.integers(-30, 30, (height, width, 3))
        yield Image.fromarray(np.clip(np.asarray(blotches).astype(int) + grain, 0, 255).astype(np.uint8))
