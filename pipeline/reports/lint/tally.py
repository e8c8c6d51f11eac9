"""Tally: the results of all shards so far: counts, findings, and 16 bytes per image to detect repeats.

Every image's bytes are read once, hashed, and their header parsed. Only drawn images are decoded.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.findings import Finding, Findings
from pipeline.reports.lint.codes import CODES, OF_REFUSAL
from pipeline.reports.lint.draw import Draw, Drawn
from stages import images
from stages.download.row import printable
from stages.images import ImageRefused

FORMATS = {  # ending -> names Pillow may give the format; MPO is a JPEG followed by another picture
    ".jpg": ("JPEG", "MPO"), ".jpeg": ("JPEG", "MPO"), ".png": ("PNG",), ".webp": ("WEBP",), ".gif": ("GIF",),
    ".bmp": ("BMP", "DIB"), ".tif": ("TIFF",), ".tiff": ("TIFF",), ".jp2": ("JPEG2000",),
    ".ppm": ("PPM",), ".pgm": ("PPM",), ".avif": ("AVIF",), ".heic": ("HEIF",), ".heif": ("HEIF",),
}  # fmt: skip


@dataclass(frozen=True)
class Lacking:
    """The images of one file without a sidecar of one kind: their count, and the first one's name."""

    kind: str
    file: str
    first: str
    count: int
    of: int


def short(text: str) -> int:
    """Return 8 bytes of the sha256 of a name; never 0, which means nothing to compare."""
    return _eight(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest())


def _eight(digest: bytes) -> int:
    return int.from_bytes(digest[:8]) or 1


@dataclass
class Tally:
    """Filled shard by shard; `file` is the current one, as findings name it, "" where each image is a file."""

    draw: Draw
    beat: Callable[[int], object] = int  # called with the number of further bytes read from the source
    findings: Findings = field(default_factory=Findings)
    file: str = ""
    images: int = 0
    forgotten: int = 0  # images among these that were wiped on purpose and only keep their place
    read_bytes: int = 0
    decoded: int = 0
    keys: array[int] = field(default_factory=lambda: array("Q"))  # hash of each image's name, 0: may repeat
    contents: array[int] = field(default_factory=lambda: array("Q"))  # hash of each image's bytes, 0: not available
    starts: list[int] = field(default_factory=list)  # number of the first image of each shard
    having: Counter[str] = field(default_factory=Counter)  # kind of sidecar -> images that have one
    lacking: list[Lacking] = field(default_factory=list)

    def begin(self, file: str) -> None:
        """Start the next shard."""
        self.file = printable(file)
        self.starts.append(self.images)

    def join(self, other: Tally) -> None:
        """Add the results of one shard, its draw included."""
        self.starts.append(self.images)
        self.images += other.images
        self.forgotten += other.forgotten
        self.read_bytes += other.read_bytes
        self.decoded += other.decoded
        self.keys.extend(other.keys)
        self.contents.extend(other.contents)
        self.having.update(other.having)
        self.lacking.extend(other.lacking)
        self.findings.join(other.findings)
        self.draw.join(other.draw)

    def find(self, code: str, sentence: str, member: str | None = None, count: int = 1) -> None:
        """Record a fault of the current file or of a member of it; the code supplies the remedy."""
        kind, name = CODES[code], printable(member) if member else None
        where, inside = (self.file, name) if self.file else (name or "", None)
        self.findings.group(kind).add(1, [Finding(kind, where, printable(kind.sentence(sentence)), inside, count)])

    def see(self, name: str, key: int, read: Callable[[], bytes], again: Callable[[], bytes]) -> None:
        """Check an image: `key` identifies its name (0: it may repeat), `again` reads it after all shards are done."""
        number = self.images - self.starts[-1]
        self.images += 1
        self.keys.append(key)
        self.contents.append(0)
        try:
            data = read()
            self.read_bytes += len(data)
            self.contents[-1] = _eight(hashlib.sha256(data).digest()) if data else 0
            seen = images.header(data)
            self._check_named(name, seen.format)
            if seen.turned:
                self.find("turned", "its EXIF says so", name)
            self._decode_or_offer(name, number, data, again)
        except ImageRefused as refusal:
            self.find(OF_REFUSAL[refusal.status], refusal.sentence, name)

    def forget(self, *, is_image: bool) -> None:
        """Count a wiped member; an image keeps its place among the images, by which they are named later."""
        if is_image:
            self.images += 1
            self.forgotten += 1
            self.keys.append(0)
            self.contents.append(0)

    def _check_named(self, name: str, form: str) -> None:
        ending = os.path.splitext(name)[1].lower()
        if form not in FORMATS.get(ending, (form,)):
            self.find("wrong_extension", f"the name ends in {ending}, the bytes are {form}", name)

    def _decode_or_offer(self, name: str, number: int, data: bytes, again: Callable[[], bytes]) -> None:
        if self.draw.every:
            self.decoded += 1
            images.decode(data)
        else:
            self.draw.offer(number, (self.file, name), again)

    def decode(self, drawn: Drawn) -> None:
        """Decode a drawn image."""
        self.file, name = drawn.place
        self.decoded += 1
        try:
            images.decode(drawn.again())
        except ImageRefused as refusal:
            self.find(OF_REFUSAL[refusal.status], refusal.sentence, name)
