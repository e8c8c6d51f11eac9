"""Photos: drawn JPEGs that are as large as real photos and cost as much to decode.

They are crops of one drawn scene: blotches of color, finer blotches of light, and grain, which makes up most of a
photo's bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT, QUALITY = 500, 375, 90  # ImageNet's usual photo; 60 to 110 KB
SCENE_WIDTH, SCENE_HEIGHT = 3 * WIDTH, 3 * HEIGHT
BLOTCHES, TEXTURE = (36, 27), (375, 281)  # of the scene, across and down
CONTRAST, DETAIL, GRAIN = 60.0, 18.0, 8.0  # standard deviations, of 255
PHOTOS = 200


def draw(folder: Path, count: int = PHOTOS) -> None:
    """Write `count` different photos into `folder`, the same photos each time."""
    random = np.random.default_rng(0)
    scene = Image.fromarray(_scene(random))
    for number in range(count):
        left, top = (int(random.integers(0, 2 * side)) for side in (WIDTH, HEIGHT))
        window = scene.crop((left, top, left + WIDTH, top + HEIGHT))
        window.save(folder / f"{number:04d}.jpg", "JPEG", quality=QUALITY)


def _scene(random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw the scene, (height, width, 3)."""
    colours = np.stack([_smooth(random, BLOTCHES) for _ in range(3)], axis=2)
    grain = random.standard_normal((SCENE_HEIGHT, SCENE_WIDTH), dtype=np.float32)
    light = DETAIL * _smooth(random, TEXTURE) + GRAIN * grain
    made: NDArray[np.uint8] = (128 + CONTRAST * colours + light[:, :, None]).clip(0, 255).astype(np.uint8)
    return made


def _smooth(random: np.random.Generator, cells: tuple[int, int]) -> NDArray[np.float32]:
    """Return noise of this many cells across and down, resized to the scene."""
    across, down = cells
    rough = Image.fromarray(random.standard_normal((down, across), dtype=np.float32))
    return np.asarray(rough.resize((SCENE_WIDTH, SCENE_HEIGHT), Image.Resampling.BICUBIC))
