"""RGB: from an opened image to its pixels, by the policy that images.py states."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image

from stages import heic

ORIENTATION, UPRIGHT = 0x0112, 1  # EXIF's tag, and its value for an image that is stored as it is seen


def rgb(image: Image.Image) -> Image.Image:
    """Decode the first frame, or the main image of a HEIC, to 8 bits of red, green and blue."""
    if image.format != heic.FORMAT:  # which opens at its main image, wherever that is
        image.seek(0)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_eight_bits(np.asarray(image)), "L").convert("RGB")
    if image.mode == "RGB":
        image.load()  # convert would copy it, which takes a sixth of a large photo's decoding time
        return image
    return image.convert("RGB")


def _eight_bits(grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Convert gray (height, width) of any depth to uint8: full scale is 65535, or 1.0 for floats up to 1.0."""
    if grey.dtype.kind != "f":  # in integers of 4 bytes per pixel: there may be 89 million pixels
        return ((np.clip(grey, 0, 65535).astype(np.uint32) + 128) // 257).astype(np.uint8)
    values = np.nan_to_num(grey, nan=0.0, posinf=0.0, neginf=0.0)
    full = 1.0 if values.max(initial=0.0) <= 1.0 else 65535.0
    return np.rint(np.clip(values / full, 0.0, 1.0) * 255.0).astype(np.uint8)


def is_turned(image: Image.Image) -> bool:
    """Return whether the EXIF before the pixels asks for another orientation. Decoding turns TIFF, AVIF, HEIC."""
    if not (raw := image.info.get("exif")) or image.format in ("TIFF", "AVIF", heic.FORMAT):
        return False
    exif = Image.Exif()
    with warnings.catch_warnings(), suppress(Exception):  # cameras and editors write nearly anything into it
        warnings.simplefilter("ignore")
        exif.load(raw)
        return exif.get(ORIENTATION, UPRIGHT) in range(UPRIGHT + 1, 9)
    return False  # viewers do not turn it either
