"""Pixels: a library's own preprocessing, split in two at the point where pixels are still bytes.

Resizing and cropping run in decoding threads and give (3, height, width) uint8. The rest (conversion to floats, mean,
std) runs on a batch, on the device, so that only a quarter of the bytes are held and copied. Both halves are the
library's own functions. On test pictures the halves must give bit for bit the same as the complete preprocessing;
otherwise it is not split, and all of it runs in the decoding threads.
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
SHAPES = ((160, 97), (97, 160), (611, 400), (224, 224), (20, 33))  # of the test pictures: width, height
TO_TENSOR = ("ToTensor", "MaybeToTensor")


@dataclass(frozen=True)
class Pixels:
    """How images become a network's input: `prepare` one image, then `finish` a batch of them.

    `identity`: encoders with the same identity prepare images identically, so that it need be done only once.
    """

    prepare: Whole
    finish: Batch
    identity: str


def of_transform(whole: Any) -> Pixels:
    """Split torchvision's `Compose`, as open_clip and timm make it: resize, crop, to a tensor, mean and std."""
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
    """Split an image processor of transformers with the torchvision backend."""
    # torch warns that Pillow's bytes could be overwritten: nothing does so, and copying a large photo is slow
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")

    def whole(image: Image.Image) -> torch.Tensor:
        tensor: torch.Tensor = processor(images=image, return_tensors="pt")["pixel_values"][0]
        return tensor

    def prepare(image: Image.Image) -> torch.Tensor:
        pixels = torch.from_numpy(np.asarray(image)).permute(2, 0, 1)  # a view: the resize accepts its memory layout
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
    """Return the two halves if they give the same as the complete preprocessing, else the latter unsplit."""
    try:
        firsts = [prepare(image) for image in _odd_pictures()]
        seconds = [finish(first[None])[0] for first in firsts]
        same = all(map(torch.equal, seconds, map(whole, _odd_pictures())))
    except (AttributeError, TypeError, ValueError, RuntimeError):  # a processor with other steps
        same = False
    return Pixels(prepare, finish, _digest(firsts)) if same else _whole(whole)


def _digest(pictures: list[torch.Tensor]) -> str:
    """Identify a preparation by a hash of its output for the test pictures."""
    hasher = hashlib.sha256()
    for picture in pictures:
        hasher.update(f"{picture.dtype} {tuple(picture.shape)} ".encode())
        hasher.update(picture.numpy().tobytes())
    return hasher.hexdigest()


def _odd_pictures() -> Iterator[Image.Image]:
    """Draw test pictures of blotches with grain, in many shapes, so that an offset of one pixel is noticed."""
    for seed, (width, height) in enumerate(SHAPES):
        dice = np.random.default_rng(seed)
        blotches = Image.fromarray(dice.integers(0, 256, (4, 5, 3), dtype=np.uint8)).resize((width, height))
        grain = dice.integers(-30, 30, (height, width, 3))
        yield Image.fromarray(np.clip(np.asarray(blotches).astype(int) + grain, 0, 255).astype(np.uint8))
