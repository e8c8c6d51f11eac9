"""Tar: where each member of an archive is located, and where the archive stops being valid.

Only headers are read. Python's tarfile accepts as complete an archive truncated at a member's end, one whose
next header is garbage, and the first of two that were joined by `cat`. So this module looks for the zero block
that ends every archive, and allows nothing but zeros after it.
"""

from __future__ import annotations

import errno
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, cast

from manifests.stores.faults import Unreachable
from stages.download.tar_headers import BLOCK, HEADER_BYTES, Headers, TruncatedTar
from stages.images import TRUNCATED

GZIP = b"\x1f\x8b"
NOT_A_TAR, COMPRESSED, AFTER_END = "not_a_tar", "compressed", "data_after_end"
NO_OWN_BYTES, LONG_NAME = "no_own_bytes", "long_name"  # kinds of faults of a member


@dataclass(frozen=True)
class Member:
    """A file inside a tar: `length` bytes at `offset`, or why it cannot be read (`fault`, of a `kind`)."""

    name: str
    offset: int
    length: int
    fault: str | None = None
    kind: str = NO_OWN_BYTES


class _MemberFile(io.RawIOBase):
    def __init__(self, file: IO[bytes], member: Member) -> None:
        self._file, self._member, self._at = file, member, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        place = offset + (0, self._at, self._member.length)[whence]
        if place < 0:
            raise OSError(errno.EINVAL, "before the start of the member")
        self._at = place
        return place

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._member.length - self._at)
        self._file.seek(self._member.offset + self._at)
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data


def member_file(file: IO[bytes], member: Member) -> IO[bytes]:
    """Return a member of an open tar as a seekable file of its own; closing it leaves the tar open."""
    return cast(IO[bytes], _MemberFile(file, member))


@dataclass(frozen=True)
class Damage:
    """Why nothing more can be read from a tar; `status` is one word, the sentence says where."""

    status: str
    sentence: str


def members(file: IO[bytes]) -> Iterator[Member | Damage]:
    """Yield members in order; a Damage, if any, comes last. Folders are skipped.

    The file may be read elsewhere between two members. Raises Unreachable if it is in a store that failed.
    """
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(2) == GZIP:
        yield Damage(COMPRESSED, "the tar is compressed, so no byte range of it is an image; unpack it with gunzip")
        return
    file.seek(0)
    headers = Headers(file, size)
    try:
        archive = tarfile.open(fileobj=cast(IO[bytes], headers), mode="r:")  # noqa: SIM115 - not our file
    except TruncatedTar as error:
        yield Damage(TRUNCATED, f"the tar is cut: {error}")
        return
    except tarfile.TarError as error:
        yield Damage(NOT_A_TAR, f"not a tar archive: {error}")
        return
    yield from _whole_members(archive, headers, size)


def _whole_members(archive: tarfile.TarFile, headers: Headers, size: int) -> Iterator[Member | Damage]:
    try:
        while entry := archive.next():
            if entry.size < 0:  # tarfile would go back and read the same header forever
                raise tarfile.ReadError(f"{entry.name} has {entry.size} bytes")
            if entry.isreg() and entry.offset_data + entry.size > size and not entry.issparse():
                yield Damage(TRUNCATED, f"the tar ends at byte {size} inside the member {entry.name}")
                return
            fault, headers.fault = headers.fault, None
            if not entry.isdir():
                yield Member(entry.name, 0, 0, fault, LONG_NAME) if fault else _member(entry)
            vars(archive)["members"].clear()  # tarfile would keep every header
    except Unreachable:
        raise  # a failure of the store says nothing about the tar
    except Exception as error:  # noqa: BLE001 - a garbled header makes tarfile raise nearly anything
        yield Damage(TRUNCATED, f"the tar breaks off after byte {archive.offset}: {error}")
        return
    yield from _ending(headers.file, archive.offset, size)


def _member(entry: tarfile.TarInfo) -> Member:
    if entry.islnk() or entry.issym():
        remedy = "make the tar with --dereference --hard-dereference"
        return Member(entry.name, 0, 0, f"a link to {entry.linkname}, without bytes of its own; {remedy}")
    if entry.issparse():
        return Member(entry.name, 0, 0, "stored in pieces, as a sparse file; make the tar without --sparse")
    if not entry.isreg():
        return Member(entry.name, 0, 0, f"not a regular file, but of tar's type {entry.type!r}")
    return Member(entry.name, entry.offset_data, entry.size)


def _ending(file: IO[bytes], end: int, size: int) -> Iterator[Damage]:
    """Yield a Damage unless the archive ends as it must: with zeros from byte `end` to the end."""
    file.seek(end)
    block = file.read(BLOCK)
    if len(block) < BLOCK or any(block):
        yield Damage(TRUNCATED, f"the tar has no end mark at byte {end} of {size}; members may be lost")
        return
    while block := file.read(HEADER_BYTES):
        if block.strip(b"\0"):
            sentence = f"the tar ends at byte {end} of {size}, and what follows (a second tar?) is not read"
            yield Damage(AFTER_END, sentence)
            return
