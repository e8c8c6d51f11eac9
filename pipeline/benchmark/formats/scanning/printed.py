"""Printed: images in a text in forms that are not read: as programs print bytes, and as uuencode.

A program's own text may hold the first bytes of formats, so more of an image than these is required.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 512  # bytes of a text that the patterns examine, at most


@dataclass(frozen=True)
class Printed:
    """A way to print an image: its description, what every such text holds, and how one begins."""

    says: str
    holds: bytes
    begins: re.Pattern[bytes]


PYTHON = (
    rb"\\+x89PNG\\+r\\+n\\+x1a\\+n\\+x00",
    rb"\\+xff\\+xd8\\+xff[^'\"\s]{60}",
    rb"RIFF(?:\\+x[0-9a-f]{2}|\\+.|[^\\]){4}WEBPVP8",
    rb"GIF8[79]a[^'\"\s]{0,16}\\+x00",
    rb"BM[^'\"\s]{0,40}(?:\\+x00){4}",
    rb"(?:II\*\\+x00|MM\\+x00\*)[^'\"\s]{12}",
)
WAYS = (
    Printed("an image as Python prints bytes", rb"\x", re.compile(b"|".join(PYTHON))),
    Printed("an image as JSON writes text", rb"\u00", re.compile(rb"\\+u00ff\\+u00d8\\+u00ff|\\+u0089PNG\\+r\\+n")),
    Printed("an image as text", "ÿØÿ".encode(), re.compile("ÿØÿ[àáâîÛ]".encode())),
    Printed("an image as numbers", b"216", re.compile(rb"255,\s*216,\s*255(?:,\s*\d{1,3}){12}")),
    Printed("an image as numbers", b"137", re.compile(rb"137,\s*80,\s*78,\s*71(?:,\s*\d{1,3}){12}")),
    Printed("a file in uuencode", b"begin ", re.compile(rb"(?m)^begin [0-7]{3,4} [^\r\n]+\r?\nM[ -`]{60}\r?\n")),
)


def first_printed(text: bytes) -> tuple[int, str] | None:
    """Return where in the text an image is printed, and how; None if there is none."""
    for way in WAYS:
        if way.holds in text and (match := way.begins.search(text)) is not None:
            return match.start(), way.says
    return None
