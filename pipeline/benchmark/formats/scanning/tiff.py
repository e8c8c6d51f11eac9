"""TIFF: whether a TIFF shows nothing but its first image, which is the one that is decoded.

Camera RAW comes as TIFF, with a small version in front (TIFF 6.0, NewSubfileType; DNG 1.7, DNGVersion); scans and
microscopes put many pages into one file.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageSequence
from PIL.TiffImagePlugin import TiffImageFile

SUBFILE, DNG = 254, 50706  # tags
REDUCED, MASK = 1, 4  # bits of SUBFILE's value
SAVE_EACH = "save each as a file of its own, as PNG or JPEG"


def fault_of_tiff(data: bytes) -> str:
    """Return what prevents comparing a TIFF, and what to do; empty if nothing does, or if it does not open."""
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
            warnings.simplefilter("ignore")  # about sizes and unusual tags, which decoding checks
            assert isinstance(image, TiffImageFile)
            kinds = [int(image.tag_v2.get(SUBFILE, 0)) for _ in ImageSequence.Iterator(image)]
            image.seek(0)
            is_raw = DNG in image.tag_v2
    except Exception:  # noqa: BLE001 - a broken file makes Pillow raise nearly anything, and decoding says what it is
        return ""
    if is_raw:
        return "is a camera RAW image: save it as PNG or JPEG"
    if kinds[0] & REDUCED:
        return "begins with a small version of its image, as camera RAW does: save it as PNG or JPEG"
    pages = sum(not kind & (REDUCED | MASK) for kind in kinds)
    return f"holds {pages} images: {SAVE_EACH}" if pages > 1 else ""
