"""Thumbnails: the shape of the image, in few bytes, whatever its mode."""

import base64
import io

import pytest
from PIL import Image

from pipeline.reports.pages.thumbnails import LONG_SIDE, thumbnail


@pytest.mark.parametrize("size", [(900, 600), (600, 900), (5000, 10), (40, 30), (1, 1)])
def test_a_thumbnail_keeps_the_shape_of_its_image(size: tuple[int, int]) -> None:
    uri = thumbnail(Image.new("RGB", size, "teal"))
    small = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    assert max(small.size) <= min(LONG_SIDE, max(size))
    assert small.size == tuple(max(1, round(side * max(small.size) / max(size))) for side in size)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_an_image_of_any_mode_has_a_thumbnail(mode: str) -> None:
    assert thumbnail(Image.new("RGB", (30, 20), "teal").convert(mode)).startswith("data:image/webp;base64,")
