"""Thumbnails: an image as a data URI small enough for 2,000 of them in one page.

The short side is `SHORT_SIDE` pixels so that a square crop is sharp; the aspect ratio is kept. EXIF orientation
is ignored, as the encoders ignore it: the page shows what they saw.
"""

import base64
import io

from PIL import Image

SHORT_SIDE = 208
LONG_SIDE = 312  # a panorama must not take the space of three photos
QUALITY = 70  # WebP; about 7 KB for a photo of this size


def thumbnail(image: Image.Image) -> str:
    small = image.convert("RGB").resize(fitted(image.size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    small.save(buffer, format="WEBP", quality=QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def fitted(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height within both limits, with the aspect ratio kept, never enlarged."""
    scale = min(1.0, SHORT_SIDE / min(size), LONG_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
