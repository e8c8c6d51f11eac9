"""Pictures as real bytes: sound ones in any format, and the odd and broken ones that data sets hold."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2  # PNG's colour types


def picture(seed: int = 0, width: int = 24, height: int = 16) -> Image.Image:
    """An RGB image of noise; no two seeds give the same one."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, form: str, **how: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, form, **how)
    return stream.getvalue()


def jpeg(seed: int = 0) -> bytes:
    return encoded(picture(seed), "JPEG")


def every_format() -> dict[str, bytes]:
    """One sound file of every format and most of the ways to write it."""
    image = picture()
    return {
        "jpeg": encoded(image, "JPEG"),
        "jpeg progressive": encoded(image, "JPEG", progressive=True),
        "png": encoded(image, "PNG"),
        "png palette": encoded(image.quantize(16), "PNG", transparency=3),
        "gif": encoded(image, "GIF"),
        "webp": encoded(image, "WEBP"),
        "webp lossless": encoded(image, "WEBP", lossless=True),
        "tiff": encoded(image, "TIFF"),
        "tiff lzw": encoded(image, "TIFF", compression="tiff_lzw"),
        "tiff jpeg": encoded(image, "TIFF", compression="jpeg"),
        "bmp": encoded(image, "BMP"),
        "jpeg 2000": encoded(image, "JPEG2000"),
        "avif": encoded(image, "AVIF"),
        "ppm": encoded(image, "PPM"),
    }


def animation(form: str, frames: int = 3) -> bytes:
    first, *others = [picture(seed) for seed in range(frames)]
    return encoded(first, form, save_all=True, append_images=others, duration=50, lossless=True)


def rotated_by_exif() -> bytes:
    """A JPEG whose EXIF says: turn me by 90 degrees before you show me."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(picture(), "JPEG", exif=exif)


def with_corrupt_exif() -> bytes:
    return encoded(picture(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xee" * 40)


def with_long_text() -> bytes:
    """A PNG of a few kilobytes with 64 MiB of text in it."""
    note = PngImagePlugin.PngInfo()
    note.add_text("note", "a" * (64 << 20), zip=True)
    return encoded(picture(), "PNG", pnginfo=note)


def with_absurd_tags() -> bytes:
    """A TIFF that says it has as many strips as fit in 32 bits."""
    plain = bytearray(encoded(picture(), "TIFF"))
    (at,) = struct.unpack_from("<L", plain, 4)
    for entry in range(struct.unpack_from("<H", plain, at)[0]):
        place = at + 2 + 12 * entry
        if struct.unpack_from("<H", plain, place)[0] == TiffImagePlugin.STRIPOFFSETS:
            struct.pack_into("<L", plain, place + 4, 0xFFFFFFFF)
    return bytes(plain)


def png(width: int, height: int, depth: int, kind: int, rows: bytes) -> bytes:
    """A PNG of any size and depth by hand; `rows` are its raw rows, each after its filter byte."""
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return PNG_SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def bomb() -> bytes:
    """A whole, valid PNG of about 100 KB that is 30,000 pixels wide and high: 0.9 billion of them."""
    side = 30_000
    squeezed = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    body = b"".join([squeezed.compress(row * 1000) for _ in range(side // 1000)] + [squeezed.flush()])
    head = struct.pack(">IIBBBBB", side, side, 1, GREY, 0, 0, 0)
    return PNG_SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
