"""Shots: an image as a browser should show it, which is as the encoders saw it.

Only a plain RGB JPEG is sent unchanged. Anything else is decoded as for the encoders (first frame, no alpha, gray
scaled, rotation ignored), because a browser would show a different picture.
"""

from __future__ import annotations

import io

from PIL import Image

from pipeline.benchmark.photos import Photo
from stages import images

LONGEST = 1600  # pixels of a side on the page; encoders see a few hundred
QUALITY = 92


def shot(photo: Photo) -> bytes:
    """Return a JPEG of what the run read.

    Raises ImageRefused if the image is gone, was changed or does not decode, OSError if a store failed.
    """
    data = photo.read()
    if photo.format == "JPEG" and max(photo.width, photo.height) <= LONGEST and _is_rgb(data):
        return data
    return _encoded(data)


def bare_shot(photo: Photo) -> bytes:
    """Return only the pixels of what `shot` returns: a file may hold captions and names, and is known by its bytes."""
    return _encoded(photo.read())


def _encoded(data: bytes) -> bytes:
    image, stream = images.decode(data), io.BytesIO()
    image.info = {}  # else Pillow would write the comment back
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    image.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _is_rgb(data: bytes) -> bool:
    images.header(data)  # so that it refuses before Pillow raises
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return image.mode == "RGB"
