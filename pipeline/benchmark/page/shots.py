"""Shots: an image as a browser is to show it, which is as the encoders saw it.

Only a plain RGB JPEG passes as it lies. Anything else goes through the decoding that the encoders have (first
frame, no alpha, grey scaled, rotation left alone), for a browser would show another picture.
"""

from __future__ import annotations

import io

from PIL import Image

from pipeline.benchmark.photos import Photo
from stages import images

LONGEST = 1600  # pixels of a side on the page; encoders see a few hundred
QUALITY = 92


def shot(photo: Photo) -> bytes:
    """A JPEG of what the run read. Raises ImageRefused where the image is gone, was changed or does not decode.

    OSError where a store failed.
    """
    data = photo.read()
    if photo.format == "JPEG" and max(photo.width, photo.height) <= LONGEST and _is_rgb(data):
        return data
    return _encoded(data)


def bare_shot(photo: Photo) -> bytes:
    """As `shot`, and nothing but pixels: a file may hold captions and names, and is known by its bytes."""
    return _encoded(photo.read())


def _encoded(data: bytes) -> bytes:
    image, stream = images.decode(data), io.BytesIO()
    image.info = {}  # Pillow would write its comment again
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    image.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _is_rgb(data: bytes) -> bool:
    images.header(data)  # its refusals before Pillow's errors
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return image.mode == "RGB"
