"""Tar: where each member of an archive lies, and where the archive stops making sense.

Only headers are read. Python's tarfile takes an archive cut at a member's end, and one whose next
header is garbage, for a complete one, so the two zero blocks that end every archive are looked for.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from stages.images import NOT_AN_IMAGE, TRUNCATED

BLOCK = 512
GZIP = b"\x1f\x8b"
COMPRESSED = "compressed"


@dataclass(frozen=True)
class Member:
    """A regular file inside a tar: `length` bytes at `offset` of the tar."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True)
class Damage:
    """Why nothing more can be had from a tar; `status` is one word, the sentence says where."""

    status: str
    sentence: str


def members(file: IO[bytes]) -> Iterator[Member | Damage]:
    """Members in order; a Damage, if any, comes last. Links, folders and devices are passed over."""
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(2) == GZIP:
        yield Damage(COMPRESSED, "the tar is compressed, so no byte range of it is an image; unpack it with gunzip")
        return
    file.seek(0)
    try:
        archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - the caller owns the file
    except tarfile.TarError as error:
        yield Damage(NOT_AN_IMAGE, f"not a tar archive: {error}")
        return
    yield from _whole_members(archive, size)


def _whole_members(archive: tarfile.TarFile, size: int) -> Iterator[Member | Damage]:
    try:
        while entry := archive.next():
            end = entry.offset_data + entry.size
            if end > size:
                yield Damage(TRUNCATED, f"the tar ends at byte {size} inside the member {entry.name}")
                return
            if entry.isreg():
                yield Member(entry.name, entry.offset_data, entry.size)
            vars(archive)["members"].clear()  # tarfile would keep every header
    except (tarfile.TarError, OSError, ValueError) as error:
        yield Damage(TRUNCATED, f"the tar breaks off after byte {archive.offset}: {error}")
        return
    if not _ends_properly(archive, size):
        yield Damage(TRUNCATED, f"the tar has no end mark at byte {archive.offset} of {size}; members may be lost")


def _ends_properly(archive: tarfile.TarFile, size: int) -> bool:
    file = archive.fileobj
    assert file is not None
    file.seek(archive.offset)
    block = file.read(BLOCK)
    return len(block) == BLOCK and not any(block)
