"""Kinds: what a file is by its first bytes, and whether that is an image, holds some, may hold some, or holds none.

A kind that is not listed is either text, which is searched for encoded images, or may hold images and is refused, so
that a format missing here is reported to a person, and not skipped.
"""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass
from typing import Literal

from stages import images
from stages.download.index import UNREAD

START = 8192  # bytes that are enough to recognize a kind: an SVG may have a long header
PACKED = (".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".rar", ".parquet", ".pq", ".arrow", ".feather")
PICTURES = (*images.NAMES, *UNREAD, ".svgz", ".eps", ".avifs", ".raf", ".orf", ".rw2", ".cr3", ".pef", ".srw", ".exr")

Role = Literal["image", "archive", "table", "aside", "unread"]  # aside: holds no image


@dataclass(frozen=True)
class Kind:
    """What a file is. `says`: its description in a sentence; `remedy`: what to do if the kind is not read."""

    name: str
    role: Role
    starts: re.Pattern[bytes]
    says: str = ""
    remedy: str = ""
    called: re.Pattern[str] | None = None  # only files of these names


def kind_of(start: bytes, name: str = "") -> Kind | None:
    """Return the kind of a file with these first bytes and this name; None if its first bytes are of no known kind."""
    if _is_tar(start):
        return TAR
    if not ANY.match(start):
        return None
    base = re.split(r"[/:]", name)[-1]
    return next(
        (one for one in KINDS if one.starts.match(start) and (not one.called or one.called.fullmatch(base))), None
    )


def promised(name: str) -> str:
    """Describe what a file with this name must be; empty if the name says nothing."""
    if name.lower().endswith(PICTURES):
        return "an image"
    return "an archive or a table" if name.lower().endswith(PACKED) else ""


def _is_tar(start: bytes) -> bool:
    """Whether the first block is a tar header of any dialect: its checksum is right."""
    if len(start) < tarfile.BLOCKSIZE:
        return False
    try:
        tarfile.TarInfo.frombuf(start[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def _kind(name: str, role: Role, starts: bytes, says: str = "", remedy: str = "", called: str = "") -> Kind:
    pattern = re.compile(called, re.IGNORECASE) if called else None
    return Kind(name, role, re.compile(starts, re.DOTALL), says, remedy, pattern)


def _unread(says: str, starts: bytes, remedy: str) -> Kind:
    return _kind(says, "unread", starts, says, remedy)


SAVE, UNPACK = "save it as PNG or JPEG", "unpack it"
SAVE_THOSE = "put its images into files of their own, as PNG or JPEG"
TAR = _kind("tar", "archive", b"")  # by its checksum alone
ASIDE = (
    _kind("a Mac's .DS_Store", "aside", rb"\0\0\0\x01Bud1"),
    _kind("what a Mac keeps beside a file", "aside", rb"\0\x05\x16\x07", called=r"\._.*"),
    _kind("Windows' thumbnails", "aside", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", called=r"(eh)?thumbs.*\.db"),
    _kind("compiled Python", "aside", rb"..\r\n[\0-\x03]\0\0\0"),
    _kind("compiled code", "aside", rb"\x7fELF"),
    _kind("a font", "aside", rb"\0\x01\0\0\0|OTTO|wOF[F2]"),
    _kind("sound", "aside", rb"RIFF....WAVE|fLaC"),
)
# what stages.images decodes; a BMP also by the size of its second header, because many words begin with "BM"
PLAIN = (
    _kind("JPEG", "image", rb"\xff\xd8\xff"),
    _kind("PNG", "image", rb"\x89PNG\r\n\x1a\n"),
    _kind("GIF", "image", rb"GIF8[79]a"),
    _kind("WebP", "image", rb"RIFF....WEBP"),
    _kind("BMP", "image", rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
    _kind("TIFF", "image", rb"II[*+]\0|MM\0[*+]"),
    _kind("JPEG 2000", "image", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    _kind("PPM", "image", rb"P[1-6f]\s+(#[^\n]*\n\s*)*\d+\s+(#[^\n]*\n\s*)*\d+\s"),
    _kind("AVIF", "image", rb".{4}ftyp(avi[fs]|m[is]f1)"),
)
CONTAINERS = (
    _kind("gzip", "archive", rb"\x1f\x8b\x08"),
    _kind("bzip2", "archive", rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    _kind("xz", "archive", rb"\xfd7zXZ\0"),
    _kind("zip", "archive", rb"PK(\x03\x04|\x05\x06)"),
    _kind("parquet", "table", rb"PAR1"),
    _kind("arrow file", "table", rb"ARROW1\0\0"),
    _kind("arrow stream", "table", rb"\xff{4}.{3}[\0\x01]"),
)
# before TIFF, because some RAW formats begin like it
RAW = _unread(
    "a camera RAW image", rb"II\*\0....CR|.{4}ftypcrx |II(RO|RS|U\0)|MMOR|FUJIFILMCCD|II\x1a\0\0\0HEAP|FOVb", SAVE
)
# possessive: otherwise a page of comments takes forever
SVG = rb"(\xef\xbb\xbf)?(?>\s*<\?xml.*?\?>|\s*<!--.*?-->)*+\s*<(!DOCTYPE\s+svg|([\w-]+:)?svg[\s>])"
UNREADABLE = (
    _unread("a pointer of Git LFS, not the file itself", rb"version https://git-lfs", "fetch it with `git lfs pull`"),
    _unread("a HEIC image", rb".{4}ftyp(he[iv]|hevc)", SAVE),
    _unread("an SVG image", SVG, SAVE),
    _unread("a Photoshop image", rb"8BP[SB]", SAVE),
    _unread("PostScript", rb"%!PS|\xc5\xd0\xd3\xc6", SAVE),
    _unread("a JPEG XL image", rb"\0\0\0\x0cJXL ", SAVE),
    _unread("a JPEG XR image", rb"II\xbc", SAVE),
    _unread("an OpenEXR image", rb"\x76\x2f\x31\x01", SAVE),
    _unread("an XPM image", rb"/\* XPM \*/|! XPM2", SAVE),
    _unread("an XBM image", rb"#define \w+_width \d+", SAVE),
    _unread("a PDF", rb"%PDF-", SAVE_THOSE),
    _unread("a film", rb".{4}ftyp|\x1a\x45\xdf\xa3|RIFF....AVI ", SAVE_THOSE),
    _unread("packed with Zstandard", rb"\x28\xb5\x2f\xfd", "unpack it with `zstd -d`"),
    _unread("packed with LZ4", rb"\x04\x22\x4d\x18", UNPACK),
    _unread("a 7z archive", rb"7z\xbc\xaf\x27\x1c", UNPACK),
    _unread("a RAR archive", rb"Rar!\x1a\x07", UNPACK),
    _unread("a part of a zip", rb"PK\x07\x08", "join its parts and unpack it"),
    _unread("a pickle", rb"\x80[\x04\x05]\x95|c[\w.]+\n\w+\n(p0\n|\(|q)|\([dl]p0\n", SAVE_THOSE),
    _unread("a NumPy array", rb"\x93NUMPY", SAVE_THOSE),
    _unread("an SQLite database", rb"SQLite format 3\0", SAVE_THOSE),
    _unread("an HDF5 file", rb"\x89HDF\r\n", SAVE_THOSE),
    _unread("an Office file", rb"\xd0\xcf\x11\xe0", SAVE_THOSE),
)
KINDS = (*ASIDE, RAW, *PLAIN, *CONTAINERS, *UNREADABLE)
ANY = re.compile(b"|".join(b"(?:%b)" % one.starts.pattern for one in KINDS), re.DOTALL)  # ten times as fast as each
