"""Pictures: the images given to both sides, as real files: drawn in many forms, or random photos of a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from manifests.errors import Refused
from pipeline.reports.parity.drawing import drawing
from pipeline.reports.parity.result import Picture
from stages.images import NAMES, is_named_as_image

TURNED = Image.Exif()
TURNED[0x0112] = 6  # "rotate me before display": neither side may do it


@dataclass(frozen=True)
class Form:
    """How a drawn picture is written; `mode` is Pillow's mode."""

    mode: str
    format: str
    ending: str
    how: Mapping[str, Any] = field(default_factory=dict)


# neighbors are a family (drawing.py): most are alike in color, or no pair would be near
FORMS = (
    Form("RGB", "JPEG", "jpg", {"quality": 92}),
    Form("RGB", "PNG", "png", {"compress_level": 1}),
    Form("RGB", "JPEG", "jpg", {"quality": 75, "progressive": True}),
    Form("RGB", "WEBP", "webp", {"quality": 80, "method": 0}),
    Form("L", "JPEG", "jpg", {"quality": 85}),
    Form("L", "PNG", "png", {"compress_level": 1}),
    Form("RGBA", "PNG", "png", {"compress_level": 1}),
    Form("RGB", "BMP", "bmp"),
    Form("RGB", "TIFF", "tif", {"compression": "tiff_lzw"}),
    Form("RGB", "JPEG", "jpg", {"quality": 100, "subsampling": 0}),
    Form("P", "GIF", "gif"),
    Form("P", "PNG", "png"),
    Form("CMYK", "JPEG", "jpg", {"quality": 90}),
    Form("CMYK", "TIFF", "tif"),
    Form("LA", "PNG", "png"),
    Form("L", "TIFF", "tif"),
    Form("RGB", "JPEG", "jpg", {"quality": 35}),
    Form("RGB", "JPEG", "jpg", {"quality": 92, "exif": TURNED}),
    Form("RGBA", "WEBP", "webp", {"lossless": True, "method": 0}),
    Form("1", "PNG", "png"),
    Form("RGB", "JPEG2000", "jp2"),
    Form("RGB", "PPM", "ppm"),
)


def drawn(folder: Path, images: int, seed: int) -> list[Picture]:
    """Write the given number of drawn pictures into the folder; the same seed gives the same pictures."""
    return [_written(folder, number, seed) for number in range(images)]


def photos(source: Path, folder: Path, images: int, seed: int) -> list[Picture]:
    """Copy random photos from anywhere below `source`, or all if there are no more than requested.

    Grayscale of more than 8 bits is left out: the step scales it, whereas the libraries' own paths clip it to white.
    Raises Refused where there is no folder, or no such image in it.
    """
    if not source.is_dir():
        raise Refused(f"--photos {source} is not a folder; name one with images in it")
    names = sorted(_image_files(source))
    order = np.random.default_rng(seed).permutation(len(names))
    found: list[Picture] = []
    for name in (names[place] for place in order):
        if len(found) == images:
            break
        if not _is_deep_grey(source / name):
            found.append(_copied(source, name, folder / f"{len(found):06}{Path(name).suffix}"))
    if not found:
        raise Refused(f"--photos {source}: no image to compare below it (endings known: {' '.join(NAMES)})")
    return found


def _written(folder: Path, number: int, seed: int) -> Picture:
    form = FORMS[number % len(FORMS)]
    path = folder / f"{number:06}-{form.mode}.{form.ending}"
    _in_mode(drawing(number, seed), form.mode).save(path, form.format, **form.how)
    return Picture(path, path.name)


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "P":
        return picture.quantize(64, Image.Quantize.FASTOCTREE)
    converted = picture.convert(mode)
    if mode in ("LA", "RGBA"):
        converted.putalpha(Image.linear_gradient("L").resize(picture.size))
    return converted


def _image_files(source: Path) -> Iterator[str]:
    for place, _, names in os.walk(source):
        yield from (os.path.relpath(os.path.join(place, name), source) for name in names if is_named_as_image(name))


def _is_deep_grey(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return image.mode in ("I", "F") or image.mode.startswith("I;")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # both sides still get it and report on it
        return False


def _copied(source: Path, name: str, path: Path) -> Picture:
    shutil.copyfile(source / name, path)
    return Picture(path, name)
