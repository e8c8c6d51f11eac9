"""Images: from a locator (uri, offset, length) to bytes, and from bytes to RGB pixels.

One policy for all encoders (POLICY is recorded in every embedding's lineage):
EXIF orientation is left alone, as CLIP's and DINOv2's own preprocessing does; alpha is dropped,
palettes and CMYK go through Pillow's `convert("RGB")` as in open_clip; of an animation the first
frame counts; grey of more than 8 bits is scaled to 8, where Pillow alone would clip it to white.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any

import fsspec
import numpy as np
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from PIL import Image, UnidentifiedImageError

POLICY = "rgb-1"
# Pillow's own bound (256 MiB as RGB): beyond it a small file may be a decompression bomb
MAX_PIXELS = 89_478_485
NAMES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".jp2", ".ppm", ".pgm", ".avif")
EMPTY, NOT_AN_IMAGE, TRUNCATED = "empty", "not_an_image", "truncated"
TOO_LARGE, TOO_NARROW, UNREADABLE = "too_large", "too_narrow", "unreadable"
# resizing the short side to 256 makes the long side 256 times this; a 1 x 30,000 file would fill the memory
MAX_ASPECT = 100


class ImageRefused(Exception):
    """An image that goes no further; `status` is one word, the text is a sentence."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status, self.sentence = status, sentence


@dataclass(frozen=True)
class Header:
    """What an image's first bytes say of it; width and height in pixels."""

    width: int
    height: int
    format: str


def is_named_as_image(name: str) -> bool:
    return name.lower().endswith(NAMES)


def read(uri: str, offset: int, length: int) -> bytes:
    """`length` bytes of `uri` from `offset`, by one ranged read.

    Raises ImageRefused where the file is gone, may not be read, or ends too early.
    """
    fs, path = _place(uri)
    try:
        if isinstance(fs, LocalFileSystem):
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read(length)
        else:
            data = fs.cat_file(path, start=offset, end=offset + length)
    except OSError as error:
        raise ImageRefused(UNREADABLE, f"{uri}: {error.strerror or error}") from error
    if len(data) < length:
        raise ImageRefused(TRUNCATED, f"{uri}: {len(data)} of {length} bytes at {offset}; the file changed or was cut")
    return bytes(data)


@contextmanager
def opened(uri: str) -> Iterator[IO[bytes]]:
    """The file at `uri`, seekable. Raises OSError where it cannot be opened."""
    fs, path = _place(uri)
    with fs.open(path, "rb") as file:
        yield file


def header(data: bytes) -> Header:
    """Size and format without decoding. Raises ImageRefused for what is empty, no image, or too large."""
    with _opened(data) as image:
        return Header(image.width, image.height, image.format or "unknown")


def decode(data: bytes) -> Image.Image:
    """RGB pixels by the policy above. Raises ImageRefused for what does not decode whole."""
    with _opened(data) as image, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd EXIF and palettes, which do not touch the pixels
        try:
            return _rgb(image)
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError) as error:
            status = TRUNCATED if "truncated" in str(error) else UNREADABLE
            raise ImageRefused(status, f"{image.format} does not decode: {error}") from error


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise ImageRefused(EMPTY, "the file has no bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is judged below, with a sentence
            image = Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as error:
        raise ImageRefused(TOO_LARGE, str(error)) from error
    except UnidentifiedImageError as error:
        raise ImageRefused(NOT_AN_IMAGE, f"no image format is known that starts with {data[:8]!r}") from error
    except (OSError, SyntaxError, ValueError, TypeError, EOFError, IndexError, OverflowError) as error:
        raise ImageRefused(UNREADABLE, f"its header does not parse: {error}") from error
    if image.width * image.height > MAX_PIXELS:
        raise ImageRefused(TOO_LARGE, f"{image.width} x {image.height} pixels, more than {MAX_PIXELS} in all")
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise ImageRefused(TOO_NARROW, f"{image.width} x {image.height} pixels: one side over {MAX_ASPECT} x the other")
    return image


def _rgb(image: Image.Image) -> Image.Image:
    image.seek(0)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_eight_bits(np.asarray(image)), "L").convert("RGB")
    return image.convert("RGB")


def _eight_bits(grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Grey (height, width) of any depth to uint8: full scale is 65535, or 1.0 for floats no larger."""
    values = np.nan_to_num(grey.astype(np.float64))
    full = 1.0 if grey.dtype.kind == "f" and values.max(initial=0.0) <= 1.0 else 65535.0
    return np.clip(np.rint(values * (255.0 / full)), 0, 255).astype(np.uint8)


@lru_cache(maxsize=1024)
def _place(uri: str) -> tuple[fsspec.AbstractFileSystem, str]:
    return url_to_fs(uri)
