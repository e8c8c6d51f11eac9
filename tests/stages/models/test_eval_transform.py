"""DINOv2's own preprocessing: bit for bit what its repository does, and refused for what torchvision does not do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms

from stages.models.encoders.eval_transform import eval_transform
from stages.models.encoders.pixels import Pixels, of_transform

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def processor(kind: str = "BitImageProcessor", **how: Any) -> Any:
    import transformers

    return getattr(transformers, kind)(**how)


def dinov2(resize: int = 256, crop: int = 224) -> Any:
    sizes = {"size": {"shortest_edge": resize}, "crop_size": {"height": crop, "width": crop}}
    return processor(**sizes, resample=3, image_mean=MEAN, image_std=STD)


def as_its_repository_does(image: Image.Image, resize: int = 256, crop: int = 224) -> torch.Tensor:
    """facebookresearch/dinov2, dinov2/data/transforms.py, make_classification_eval_transform."""
    steps = [
        transforms.Resize(resize, interpolation=transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop(crop),
        transforms.ToTensor(),
        transforms.Normalize(mean=MEAN, std=STD),
    ]
    made: torch.Tensor = transforms.Compose(steps)(image)
    return made


def picture(width: int, height: int) -> Image.Image:
    dice = np.random.default_rng((width, height))
    return Image.fromarray(dice.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return of_transform(eval_transform(dinov2(40, 32)))


@given(width=st.integers(20, 150), height=st.integers(20, 150))
@settings(max_examples=40, deadline=None)
def test_every_size_is_prepared_bit_for_bit_as_dinov2_does(pixels: Pixels, width: int, height: int) -> None:
    image = picture(width, height)
    assert torch.equal(pixels.finish(pixels.prepare(image)[None])[0], as_its_repository_does(image, 40, 32))


@pytest.mark.parametrize("size", [(400, 267), (400, 309), (267, 400)])
def test_where_a_resized_side_is_odd_the_librarys_crop_lies_a_pixel_beside(size: tuple[int, int]) -> None:
    image = picture(16, 16).resize(size, Image.Resampling.BICUBIC)
    own, library = as_its_repository_does(image), dinov2()(images=image, return_tensors="pt")["pixel_values"][0]
    axis = 2 if size[0] > size[1] else 1
    moved = min((own - library.roll(by, axis))[:, 4:-4, 4:-4].abs().max() for by in (-1, 1))
    assert moved < 0.1 < (own - library)[:, 4:-4, 4:-4].abs().max()


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("SiglipImageProcessor", {"size": {"height": 32, "width": 32}}),
        ("CLIPImageProcessor", {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}),
        ("ViTImageProcessor", {"size": {"height": 32, "width": 32}, "do_normalize": False}),
        ("BitImageProcessor", {"do_resize": False}),
    ],
)
def test_other_plain_processors_are_followed_in_size_filter_and_means(kind: str, how: dict[str, Any]) -> None:
    made = processor(kind, **how)
    smooth = picture(8, 8).resize((300, 300), Image.Resampling.BICUBIC)
    ours, theirs = eval_transform(made)(smooth), made(images=smooth, return_tensors="pt")["pixel_values"][0]
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() < 0.05


@pytest.mark.parametrize(
    ("kind", "how", "asks"),
    [
        ("BitImageProcessor", {"size": {"longest_edge": 40}}, "size"),
        ("BitImageProcessor", {"rescale_factor": 1 / 127.5}, "rescale_factor"),
        ("DonutImageProcessor", {}, "do_pad"),
        ("EfficientNetImageProcessor", {}, "a step of its own"),
        ("ConvNextImageProcessor", {"size": {"shortest_edge": 32}}, "a step of its own"),
    ],
)
def test_what_torchvision_does_not_do_is_refused_with_the_way_out(kind: str, how: dict[str, Any], asks: str) -> None:
    with pytest.raises(ValueError, match=rf"asks for .*{asks}.*use preprocessing: library"):
        eval_transform(processor(kind, **how))
