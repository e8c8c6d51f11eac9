"""Row: one image as a row of the images table, built from where it was found and what its bytes say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from manifests.tables import IMAGES, OK, image_id
from stages import images
from stages.images import Header, ImageRefused

Row = dict[str, Any]

# column of the images table -> names that others give it; the first one present counts
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "url": ("url", "URL"),
    "caption": ("caption", "TEXT", "text"),
    "label": ("label", "class", "synset"),
    "class_name": ("class_name",),
    "split": ("split",),
    "aesthetic": ("aesthetic", "AESTHETIC_SCORE", "aesthetic_score"),
    "unsafe": ("unsafe", "punsafe"),
    "watermark": ("watermark", "pwatermark"),
    "license": ("license", "licence", "LICENSE"),
}
NUMBERS = ("aesthetic", "unsafe", "watermark")
TURNED = "turned by EXIF"  # not a column: such images are counted beside their shard
FLOAT32_MAX = 3.4028234663852886e38


@dataclass(frozen=True)
class Found:
    """An image as a source names it, before its bytes are read."""

    source: str
    key: str
    natural_key: str  # image_id is derived from it: it does not change when shards are cut differently
    uri: str
    offset: int
    length: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None  # why there are no bytes to read, if the listing already says so


def fields_of(values: Mapping[str, Any], license: str | None = None) -> Row:
    """Return the columns that came with an image, under any of their known spellings; invalid values become null."""
    named = {column: _first(values, spellings) for column, spellings in SPELLINGS.items()}
    fields = {column: _number(v) if column in NUMBERS else _text(v) for column, v in named.items()}
    return fields | {"license": fields["license"] or license}


@dataclass(frozen=True)
class Look:
    """What an image's bytes say about it."""

    sha256: str
    header: Header


@dataclass(frozen=True)
class Unfit:
    """Why an image is rejected: one word, and a sentence. Unlike an exception, it holds none of the image's bytes."""

    status: str
    sentence: str


def look(read: Callable[[], bytes]) -> Look | Unfit:
    """Read an image's bytes once, hash them and parse their header. Raises what `read` does except ImageRefused."""
    try:
        data = read()
        return Look(hashlib.sha256(data).hexdigest(), images.header(data))
    except ImageRefused as refusal:
        return Unfit(refusal.status, refusal.sentence)


def looked_at(found: Found, seen: Look | Unfit | None = None) -> Row:
    """Return the row of an image; its bytes are read now unless `seen` already says what they contain."""
    if found.fault:
        return refused(found, images.UNREADABLE, found.fault)
    seen = seen or look(lambda: images.read(found.uri, found.offset, found.length))
    if isinstance(seen, Unfit):
        return refused(found, seen.status, seen.sentence)
    place = {"uri": found.uri, "offset": found.offset, "length": found.length, "sha256": seen.sha256}
    header = {"width": seen.header.width, "height": seen.header.height, "format": seen.header.format}
    return _row(found) | place | header | {"status": OK, TURNED: seen.header.turned}


def refused(found: Found, status: str, sentence: str) -> Row:
    """Return the row of a rejected image: it says why, and where the image was looked for."""
    place = {"uri": found.uri or None, "offset": found.offset, "length": found.length}
    return _row(found) | place | {"status": status, "error": printable(sentence)}


def _row(found: Found) -> Row:
    named = {
        "image_id": image_id(found.source, found.natural_key),
        "source": found.source,
        "key": printable(found.key),
    }
    return dict.fromkeys(IMAGES.columns.names) | dict(found.fields) | named


def printable(text: str) -> str:
    """Return `text` as valid UTF-8; bytes of a file name that are not valid are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _first(values: Mapping[str, Any], spellings: tuple[str, ...]) -> Any:
    return next((values[name] for name in spellings if values.get(name) is not None), None)


def _text(value: Any) -> str | None:
    # pandas writes a missing caption as NaN
    nothing = value is None or isinstance(value, (dict, list)) or value != value
    return None if nothing else printable(str(value))


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) <= FLOAT32_MAX else None  # false for NaN and infinity
