"""Images: from a locator (uri, offset, length) to bytes, and from bytes to RGB pixels.

One policy for all encoders (POLICY is recorded in every embedding's lineage):
EXIF orientation is ignored, as in CLIP's and DINOv2's own preprocessing (that of a TIFF, AVIF or HEIC
is part of its decoding, and is applied); alpha is dropped; palettes and CMYK are converted by
Pillow's `convert("RGB")` as in open_clip; the first frame of an animation is used; gray of more than
8 bits is scaled to 8, where Pillow alone would clip it to white.
"""

from __future__ import annotations

import errno
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from PIL import Image, UnidentifiedImageError

from manifests.stores import ranges
from manifests.stores.faults import Unreachable
from manifests.stores.places import is_local, place
from stages import heic
from stages import parquet_bytes as cells
from stages.rgb import is_turned, rgb

POLICY = "rgb-1"
# Pillow's own bound (256 MiB as RGB): beyond it a small file may be a decompression bomb
MAX_PIXELS = 89_478_485
# as many bytes as those pixels take as RGB: a film or an archive named .jpg must not fill the memory
MAX_BYTES = 3 * MAX_PIXELS
# never every format Pillow knows: its EPS starts ghostscript on the file, its TGA accepts nearly any bytes as an image
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "AVIF")
NAMES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".jp2",
    ".ppm",
    ".pgm",
    ".avif",
    *heic.NAMES,
)
# too many open files, too little memory, a network disk that went away: failures of this machine, not of the image
OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE)
EMPTY, NOT_AN_IMAGE, TRUNCATED = "empty", "not_an_image", "truncated"
TOO_LARGE, TOO_NARROW, UNREADABLE = "too_large", "too_narrow", "unreadable"
# resizing the short side to 256 makes the long side 256 times this; a 1 x 30,000 file would fill the memory
MAX_ASPECT = 100


class ImageRefused(Exception):
    """An image that is rejected; `status` is one word, the text is a sentence."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status, self.sentence = status, sentence


@dataclass(frozen=True)
class Header:
    """Of an image's first bytes: width and height in pixels; `turned`: viewers turn it by EXIF, encoders do not."""

    width: int
    height: int
    format: str
    turned: bool = False


def is_named_as_image(name: str) -> bool:
    return name.lower().endswith(NAMES)


def read(uri: str, offset: int, length: int) -> bytes:
    """Read `length` bytes of `uri` from `offset`, in one ranged read; those of a Parquet cell from its row group.

    Raises ImageRefused if the file is gone, may not be read, ends too early, or is larger than MAX_BYTES;
    Unreachable (an OSError) if a store or the network failed.
    """
    if (cell := cells.parsed(uri)) is not None:
        return _checked(lambda: cells.read(cell)[offset : offset + length], uri, offset, length)
    if not is_local(uri):
        return _checked(lambda: ranges.read_range(uri, offset, length), uri, offset, length)

    def fetch() -> bytes:
        with open(place(uri)[1], "rb") as file:
            file.seek(offset)
            return file.read(length)

    return _checked(fetch, uri, offset, length)


def read_from(file: IO[bytes], uri: str, offset: int, length: int) -> bytes:
    """Read `length` bytes from `offset` of a file that `opened(uri)` yielded. Raises as `read` does."""

    def fetch() -> bytes:
        file.seek(offset)
        return file.read(length)

    return _checked(fetch, uri, offset, length)


@contextmanager
def opened(uri: str, *, ahead: bool = False) -> Iterator[IO[bytes]]:
    """Open the file at `uri`, seekable; with `ahead`, a store's file is read in blocks, for reading from start to end.

    Raises OSError if it cannot be opened or read, its subclass Unreachable if a store failed.
    """
    with ranges.opened(uri, ahead=ahead) as file:
        yield file


def _checked(fetch: Callable[[], bytes], uri: str, offset: int, length: int) -> bytes:
    if length > MAX_BYTES:
        raise ImageRefused(TOO_LARGE, f"{uri}: {length} bytes, more than {MAX_BYTES}")
    try:
        data = fetch()
    except Unreachable:
        raise  # not the image's fault: the task fails and is retried
    except OSError as error:
        if error.errno in OF_THE_MACHINE:
            raise
        raise ImageRefused(UNREADABLE, f"{uri}: {error.strerror or error}") from error
    if len(data) < length:
        raise ImageRefused(TRUNCATED, f"{uri}: {len(data)} of {length} bytes at {offset}; the file changed or was cut")
    return data


def header(data: bytes) -> Header:
    """Read size and format without decoding. Raises ImageRefused for bytes that are empty, no image, or too large."""
    with _opened(data) as image:
        return Header(image.width, image.height, image.format or "unknown", is_turned(image))


def decode(data: bytes) -> Image.Image:
    """Decode to RGB pixels by the policy above. Raises ImageRefused for an image that does not decode completely."""
    with _opened(data) as image, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd EXIF and palettes, which do not affect the pixels
        try:
            return rgb(image)
        except MemoryError:  # the machine's failure, not the image's: its size is known to be within bounds
            raise
        except Exception as error:
            status = TRUNCATED if "truncated" in str(error).lower() else UNREADABLE
            raise ImageRefused(status, f"{image.format} does not decode: {_told(error)}") from error


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise ImageRefused(EMPTY, "the file has no bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is judged below, with a sentence
            image = Image.open(io.BytesIO(data), formats=formats_of(data))
    except (MemoryError, ImageRefused):  # the machine's failure, as above; or known already
        raise
    except Image.DecompressionBombError as error:
        raise ImageRefused(TOO_LARGE, str(error)) from error
    except UnidentifiedImageError as error:
        sentence = f"{len(data)} bytes that start with {data[:8]!r} are not a {', '.join(FORMATS)} or HEIC"
        raise ImageRefused(NOT_AN_IMAGE, sentence) from error
    except Exception as error:  # a broken file makes Pillow's plugins raise nearly anything
        raise ImageRefused(UNREADABLE, f"its header does not parse: {_told(error)}") from error
    if image.width * image.height > MAX_PIXELS:
        raise ImageRefused(TOO_LARGE, f"{image.width} x {image.height} pixels, more than {MAX_PIXELS} in all")
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise ImageRefused(TOO_NARROW, f"{image.width} x {image.height} pixels: one side over {MAX_ASPECT} x the other")
    return image


def formats_of(data: bytes) -> tuple[str, ...]:
    """Return the formats that Pillow may take the bytes for."""
    if not heic.is_heic(data):
        return FORMATS
    if not heic.can_open():
        raise ImageRefused(UNREADABLE, heic.MISSING)
    return (heic.FORMAT,)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")
