"""Pixels: preprocessing cut where pixels are bytes gives bit for bit what the library's whole gives."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stages.models.encoders.pixels import Pixels, of_processor, of_transform


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    dice = np.random.default_rng(seed)
    return Image.fromarray(dice.integers(0, 256, (height, width, 3), dtype=np.uint8))


def by_open_clip(**how: Any) -> Any:
    from open_clip.transform import image_transform

    return image_transform(32, is_train=False, mean=(0.48, 0.45, 0.4), std=(0.26, 0.26, 0.27), **how)


def by_timm(**how: Any) -> Any:
    from timm.data import create_transform

    return create_transform((3, 32, 32), is_training=False, interpolation="bicubic", **how)


def by_transformers(kind: str, **how: Any) -> Any:
    import transformers

    made: Any = getattr(transformers, kind)(**how)
    assert made.backend == "torchvision"
    return made


TRANSFORMS: dict[str, Callable[[], Any]] = {
    "open_clip": by_open_clip,
    "open_clip squash": lambda: by_open_clip(resize_mode="squash", interpolation="bicubic"),
    "open_clip longest": lambda: by_open_clip(resize_mode="longest"),
    "timm": by_timm,
    "timm squash": lambda: by_timm(crop_mode="squash", crop_pct=1.0),
}
PROCESSORS: dict[str, Callable[[], Any]] = {
    "DINOv2": lambda: by_transformers("BitImageProcessor", size={"shortest_edge": 40}, crop_size=32, resample=3),
    "SigLIP": lambda: by_transformers("SiglipImageProcessor", size={"height": 32, "width": 32}),
    "ViT": lambda: by_transformers("ViTImageProcessor", size={"height": 32, "width": 32}),
    "CLIP": lambda: by_transformers("CLIPImageProcessor", size={"shortest_edge": 32}, crop_size=32),
    "no mean": lambda: by_transformers("ViTImageProcessor", size={"height": 32, "width": 32}, do_normalize=False),
}


@cache
def pixels_and_whole(name: str) -> tuple[Pixels, Callable[[Image.Image], torch.Tensor]]:
    if name in TRANSFORMS:
        whole = TRANSFORMS[name]()
        return of_transform(whole), whole
    processor = PROCESSORS[name]()
    return of_processor(processor), lambda image: processor(images=image, return_tensors="pt")["pixel_values"][0]


@pytest.mark.parametrize("name", [*TRANSFORMS, *PROCESSORS])
@given(width=st.integers(1, 120), height=st.integers(1, 120), seed=st.integers(0, 9))
@settings(max_examples=12, deadline=None)
def test_the_halves_give_bit_for_bit_what_the_whole_gives(name: str, width: int, height: int, seed: int) -> None:
    pixels, whole = pixels_and_whole(name)
    image = picture(width, height, seed)
    try:
        wanted = whole(image)
    except Exception:  # noqa: BLE001 - some have no answer to a line of pixels: then neither have the halves
        with pytest.raises(Exception):  # noqa: B017
            pixels.finish(pixels.prepare(image)[None])
    else:
        assert torch.equal(pixels.finish(pixels.prepare(image)[None])[0], wanted)


@pytest.mark.parametrize("name", [*TRANSFORMS, *PROCESSORS])
def test_what_waits_for_the_encoder_are_bytes(name: str) -> None:
    assert pixels_and_whole(name)[0].prepare(picture(50, 40)).dtype == torch.uint8


def test_a_batch_is_finished_as_its_images_are_one_by_one() -> None:
    for name in (*TRANSFORMS, *PROCESSORS):
        pixels, _ = pixels_and_whole(name)
        images = torch.stack([pixels.prepare(picture(50, 40, seed)) for seed in range(3)])
        alone = torch.cat([pixels.finish(image[None]) for image in images])
        assert torch.equal(pixels.finish(images), alone), name


def test_encoders_that_resize_alike_share_it_though_their_means_differ() -> None:
    same, other = of_transform(by_open_clip()), of_transform(by_open_clip(interpolation="bilinear"))
    assert of_transform(by_open_clip()).identity == same.identity != other.identity


def test_means_are_not_a_part_of_what_is_shared() -> None:
    from open_clip.transform import image_transform

    one, other = (image_transform(32, is_train=False, mean=(m, m, m), std=(0.5, 0.5, 0.5)) for m in (0.2, 0.4))
    assert of_transform(one).identity == of_transform(other).identity
    image = of_transform(one).prepare(picture(40, 50))[None]
    assert not torch.equal(of_transform(one).finish(image), of_transform(other).finish(image))


class OfItsOwn:
    """A processor with a step between the crop and the mean, of which its attributes say nothing."""

    def __init__(self) -> None:
        self._inner = PROCESSORS["ViT"]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __call__(self, **how: Any) -> Any:
        found = self._inner(**how)
        return {"pixel_values": [one.flip(-1) for one in found["pixel_values"]]}


def test_a_preprocessing_with_steps_of_its_own_is_not_cut() -> None:
    pixels, whole = of_processor(OfItsOwn()), OfItsOwn()
    image = picture(70, 50)
    prepared = pixels.prepare(image)
    assert prepared.dtype == torch.float32
    assert torch.equal(pixels.finish(prepared[None])[0], whole(images=image, return_tensors="pt")["pixel_values"][0])


def test_a_transform_that_makes_no_tensor_by_itself_is_not_cut() -> None:
    def whole(image: Image.Image) -> torch.Tensor:
        return torch.from_numpy(np.array(image.resize((8, 8)))).permute(2, 0, 1).float()

    pixels = of_transform(whole)
    assert torch.equal(pixels.finish(pixels.prepare(picture(9, 9))[None])[0], whole(picture(9, 9)))
