"""Scan: the images in one file, found by its contents, and in whatever is nested in it.

A file that may be an image, or hold some, and cannot be read is refused: otherwise an image that nobody examined would
pass as one that is in no benchmark.
"""

from __future__ import annotations

import io
import lzma
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import pyarrow as pa
from PIL import Image, ImageSequence
from PIL.TiffImagePlugin import TiffImageFile

from manifests.errors import Refused
from pipeline.benchmark.formats.scanning.archives import files_in
from pipeline.benchmark.formats.scanning.encoded import BadFile, files_in_text
from pipeline.benchmark.formats.scanning.kinds import SAVE
from pipeline.benchmark.formats.scanning.source import Source
from pipeline.benchmark.formats.scanning.tables import SHORTEST, values_in
from pipeline.benchmark.formats.scanning.text import NoText, text_of
from stages.download.parquet.entries import raise_if_not_the_files, reason_of
from stages.images import ImageRefused

DEEPEST = 8  # nested archives; a small one may hold itself
# what the libraries raise for bytes that are not what their first bytes say
DAMAGED = (
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    struct.error,
)
AWAY = "or move it elsewhere if it is not of the benchmark"
AGAIN = f"download it again, {AWAY}"
OF_GIT = "/.git/"  # git's own files there hold what is checked out beside them
SUBFILE, DNG = 254, 50706  # tags
REDUCED, MASK = 1, 4  # bits of SUBFILE's value
SAVE_EACH = "save each as a file of its own, as PNG or JPEG"


@dataclass(frozen=True)
class Found:
    """An image's bytes, and its name: a file, or a place in one."""

    name: str
    data: bytes


def images_in(source: Source) -> Iterator[Found]:
    """Yield every image in a file, in order.

    Raises Refused, naming what cannot be read, and OSError if a store failed.
    """
    try:
        if sentence := fault(source):
            raise Refused(sentence)
        yield from _images_in(source)
    except ImageRefused as refusal:
        raise Refused(_not_whole(source, refusal.sentence)) from refusal
    except (*DAMAGED, pa.ArrowException) as error:
        if not isinstance(error, pa.ArrowMemoryError):  # a damaged table may request any amount
            raise_if_not_the_files(error)
        raise Refused(_not_whole(source, reason_of(error) or type(error).__name__)) from error


def fault(source: Source) -> str:
    """Return why a file cannot be read, as a sentence, if its first bytes show it; empty if they do not."""
    kind, promise, name = source.kind, source.promise, source.name
    if source.depth > DEEPEST:
        return f"{name} lies in more archives than are opened in one another ({DEEPEST}): unpack it, {AWAY}"
    if kind is not None and kind.role == "unread":
        return f"{name} is {kind.says}: {kind.remedy}, {AWAY}"
    if kind is not None and (kind.role != "aside" or kind.called or not promise):
        return ""
    if not source.start:
        return f"{name} is called like {promise}, and has no bytes: {AGAIN}" if promise else ""
    if not _may_be_text(source):
        return "" if _is_passed(source) else _unknown(source)
    return f"{name} is called like {promise}, and is a text: {AGAIN}" if promise else ""


def _images_in(source: Source) -> Iterator[Found]:
    kind = source.kind
    if kind is None:
        yield from _in_text(source)
    elif kind.role == "image":
        data = source.whole()
        if kind.name == "TIFF" and (sentence := fault_of_tiff(data)):
            raise Refused(f"{source.name} {sentence}, {AWAY}")
        yield Found(source.name, data)
    elif kind.role != "aside":
        for inner in files_in(source) if kind.role == "archive" else values_in(source):
            yield from images_in(inner)


def _in_text(source: Source) -> Iterator[Found]:
    """Yield images in base64 and the like, called `FILE:LINE`, or `FILE:LINE#2` for the second one in a line."""
    before, count = 0, 0
    try:
        for line, data in files_in_text(text_of(source.chunks())):
            before, count = line, count + 1 if line == before else 1
            name = f"{source.name}:{line}#{count}" if count > 1 else f"{source.name}:{line}"
            yield from images_in(source.inside(name, BytesIO(data), seekable=True))
    except NoText:
        if not _is_passed(source):
            raise Refused(_unknown(source)) from None
    except BadFile as error:
        raise Refused(f"{source.name}:{error.line} {error.sentence}, {AWAY}") from error


def _may_be_text(source: Source) -> bool:
    try:
        return bool(list(text_of([source.start])))
    except NoText:
        return False


def _is_passed(source: Source) -> bool:
    """Whether bytes of no known kind are accepted as no image: git's own, and those too short for one."""
    return OF_GIT in source.name or (len(source.start) < SHORTEST and not source.promise)


def _unknown(source: Source) -> str:
    return f"{source.name} is of no kind that is known here, and may be an image or hold some: {SAVE}, {AWAY}"


def _not_whole(source: Source, why: str) -> str:
    return f"{source.name} cannot be read whole ({why}): {AGAIN}"


def fault_of_tiff(data: bytes) -> str:
    """Return what prevents comparing a TIFF, and what to do; empty if nothing does, or if it does not open.

    Camera RAW comes as TIFF, with a small version in front (TIFF 6.0, NewSubfileType; DNG 1.7, DNGVersion); scans and
    microscopes put many pages into one file. Only the first image is decoded.
    """
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
