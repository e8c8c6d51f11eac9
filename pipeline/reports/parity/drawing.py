"""Drawing: the content of the drawn pictures: blotches at several scales, and the demo's scenes, each with grain.

Every second picture is a near variant of the one before it, so that some pairs are near the thresholds; the grain
reveals a resize or a crop that is one pixel off.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.drawing.scenes import PATTERNS, scene

# width, height: tiny to 1200, portrait and landscape, long and narrow; below 100:1, beyond which the step refuses
SHAPES = (
    (224, 224), (375, 500), (640, 480), (7, 5), (333, 500), (256, 256), (1200, 800), (33, 500), (518, 518), (64, 48),
    (480, 641), (1, 1), (500, 374), (900, 40), (100, 75), (336, 336), (611, 400), (20, 1100), (16, 16), (800, 1001),
    (257, 256), (2, 31), (500, 333),
)  # fmt: skip
JITTER = 0.08  # share of either side: gives odd and even sides, so that roundings of resize and crop differ
STEADY = 40  # sides shorter than this are left as they are
GRAIN = 22

Pixels = NDArray[np.int16]


def drawing(number: int, seed: int) -> Image.Image:
    """Draw the RGB picture of that number; 2k and 2k + 1 are variants of one another."""
    family, second = divmod(number, 2)
    size = _size(family, seed)
    picture = _scene(family // 2, second, seed, size) if family % 2 else _blotches(family // 2, second, seed, size)
    return _grained(picture, np.random.default_rng((seed, number, 1)))


def _size(family: int, seed: int) -> tuple[int, int]:
    """Return the size of both pictures of a family; if it differed, their crops would show different parts."""
    dice = np.random.default_rng((seed, family, 2))
    width, height = (
        side if side < STEADY else round(side * (1 + dice.uniform(-JITTER, JITTER)))
        for side in SHAPES[family % len(SHAPES)]
    )
    return width, height


def _scene(place: int, second: int, seed: int, size: tuple[int, int]) -> Image.Image:
    """Draw one side of a pair the demo plants, stretched to the size."""
    key = f"{PATTERNS[place % len(PATTERNS)]}-{place // len(PATTERNS):03}-{'ab'[second]}"
    with Image.open(BytesIO(scene(key, 0, seed).data)) as image:
        return image.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def _blotches(place: int, second: int, seed: int, size: tuple[int, int]) -> Image.Image:
    """Draw random colors on a coarse and on a finer grid; the second picture is varied in one of four ways."""
    dice = np.random.default_rng((seed, place, 3))
    coarse, fine = (_stretched(dice.integers(0, 256, (*grid, 3), np.uint8), size) for grid in ((4, 5), (23, 29)))
    picture = Image.blend(coarse, fine, 0.35)
    return _varied(picture, place % 4, dice) if second else picture


def _varied(picture: Image.Image, way: int, dice: np.random.Generator) -> Image.Image:
    """Return the picture mirrored, shifted by some pixels, with another patch in the middle, or darker."""
    if way == 0:
        return ImageOps.mirror(picture)
    if way == 1:
        return Image.fromarray(np.roll(np.asarray(picture), (3, -2), (0, 1)))
    if way == 2:
        patch = _stretched(dice.integers(0, 256, (3, 3, 3), np.uint8), (picture.width // 3, picture.height // 3))
        picture.paste(patch, (picture.width // 3, picture.height // 3))
        return picture
    return Image.eval(picture, lambda value: int(value * 0.9))


def _stretched(grid: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(grid).resize((max(1, size[0]), max(1, size[1])), Image.Resampling.BICUBIC)


def _grained(picture: Image.Image, dice: np.random.Generator) -> Image.Image:
    pixels: Pixels = np.asarray(picture).astype(np.int16)
    pixels += dice.integers(-GRAIN, GRAIN + 1, pixels.shape, np.int16)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
