"""Looks: every image of a benchmark, read and decoded once, and what the checks keep of it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from pipeline.benchmark.checks.finding import Numbered, both, found, one_of
from pipeline.benchmark.photos import CHANGED, Photo
from pipeline.findings import Finding
from stages import images
from stages.text import plain

THREADS = 4  # Pillow releases the GIL while decoding
SIDE = 16  # side of the dHash: 256 bits
WORDS = tuple(ExifTags.Base[name] for name in ("ImageDescription", "XPTitle", "XPComment", "XPSubject", "XPKeywords"))
INFO = ("comment", "xmp", "photoshop", "Description", "Title", "Comment", "XML:com.adobe.xmp")  # as Pillow names them


@dataclass(frozen=True, eq=False)  # eq: holds an array
class Look:
    """One image: its dHash if it decodes (SIDE x SIDE bits), and what is wrong with it: code and sentence."""

    bits: NDArray[np.bool_] | None
    wrong: tuple[str, str] | None = None


def looks(photos: Sequence[Photo]) -> dict[str, Look]:
    """Map each image_id to its Look. Raises Unreachable (an OSError) if a store failed."""
    distinct = list({photo.image_id: photo for photo in photos}.values())
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip((photo.image_id for photo in distinct), pool.map(_look, distinct), strict=True))


def judge_images(pairs: Numbered, seen: Mapping[str, Look]) -> Iterator[Finding]:
    """Yield findings for images that are not there as people saw them, and for pairs that are one file twice."""
    for number, pair in pairs:
        for place, side in enumerate(pair.sides):
            if (wrong := seen[side.photo.image_id].wrong) is not None:
                yield found(wrong[0], one_of(number, place), wrong[1])
        if pair.first.photo.sha256 == pair.second.photo.sha256:
            sentence = (
                f"{_called(pair.first.photo)} and {_called(pair.second.photo)} are the same file; reject the pair"
            )
            yield found("same_image", both(number), sentence)


def _look(photo: Photo) -> Look:
    try:
        data = photo.read()
        image = images.decode(data)
    except images.ImageRefused as error:
        return Look(None, _lost(photo, error))
    return Look(_bits(image), _odd(photo, data))


def _lost(photo: Photo, error: images.ImageRefused) -> tuple[str, str]:
    """Describe why an image is not there as people saw it."""
    changed = error.status == CHANGED
    now = "was changed since the run read it" if changed else f"is {error.status} ({error.sentence})"
    sentence = plain(f"{_called(photo)} {now}; put the file back, or reject the pair")
    return "image_changed" if changed else "image_gone", sentence


def _odd(photo: Photo, data: bytes) -> tuple[str, str] | None:
    """Describe what readers see in the file that people did not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about unusual EXIF
        with Image.open(io.BytesIO(data), formats=images.formats_of(data)) as image:
            turn, told = _orientation(image), _told(image)
    if turn > 1:
        sentence = f"{_called(photo)} is turned by its EXIF (orientation {turn}) in some readers; reject the pair"
        return "turned_by_exif", sentence
    if told:
        sentence = f"{_called(photo)} has {told} in its metadata, which goes with the file; see that it tells no answer"
        return "metadata_tells", sentence
    return None


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation: 1 as stored, 2 to 8 turned or mirrored. Decoding turns a TIFF, so it counts as 1."""
    return 1 if image.format == "TIFF" else int(image.getexif().get(ExifTags.Base.Orientation) or 1)


def _told(image: Image.Image) -> str:
    """Say whether the metadata hold text or a place; empty if neither."""
    tags = image.getexif()
    words = any(tags.get(tag) for tag in WORDS) or any(image.info.get(name) for name in INFO)
    return "text" if words else "a place" if tags.get_ifd(ExifTags.IFD.GPSInfo) else ""


def _bits(image: Any) -> NDArray[np.bool_]:
    return np.asarray(imagehash.dhash(image, hash_size=SIDE).hash).ravel()


def _called(photo: Photo) -> str:
    return plain(f"{photo.source}/{photo.key}")
