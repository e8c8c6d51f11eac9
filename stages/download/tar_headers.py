"""Tar headers: a tar that tarfile can read in bounded memory, whatever its extended headers hold.

A member may be preceded by headers of any length: pax records (POSIX.1-2008, "pax Interchange Format"), one of which
may hold all of a file's extended attributes, and GNU tar's long names. tarfile reads each of them at once. Here a
header of more than HEADER_BYTES is read in pieces, and only what gives a member's location and name is passed on; a
name that is longer than that is shortened, and `fault` says so.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from typing import IO

BLOCK = 512
HEADER_BYTES = 1 << 20  # the most of a name, and of anything else, that is read at once
MOST_RECORDS = 1_000_000  # of a pax header: reading them takes some seconds
SHOWN = 100  # bytes of each end of a name that is shortened

PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
NAMES = (b"path", b"linkpath", b"GNU.sparse.name")
# a sparse file's maps are not needed: its bytes are not contiguous, whatever the maps say
SPARSE = tuple(b"GNU.sparse." + word for word in (b"size", b"realsize", b"major", b"minor"))
RECORD = re.compile(rb"(\d{1,19}) (?:(%s)=)?" % b"|".join((*NAMES, *SPARSE, b"size", b"hdrcharset")))
LONGEST_START = 64  # bytes of a record's length and the longest of those keywords


class TruncatedTar(tarfile.ReadError):
    """The tar ends inside an extended header."""


class Headers:
    """A tar of `size` bytes as tarfile may read it. `fault`: why the last member's name is incomplete, if it is."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self._size, self._last = file, size, b""
        self.seek, self.tell = file.seek, file.tell
        self.fault: str | None = None

    def read(self, size: int) -> bytes:
        """Read at most HEADER_BYTES unchanged; of extended headers, only what matters. Raises TruncatedTar."""
        kind, length, start = self._last[156:157], _length(self._last, size), self.tell()
        self._last = b""
        if length is None:
            data = self.file.read(size if 0 <= size <= HEADER_BYTES else HEADER_BYTES)
            self._last = data if size == BLOCK else b""
            return data
        if start + size > self._size:
            raise TruncatedTar(f"it ends at byte {self._size}, inside an extended header of {length:,} bytes")
        data = self._name(start, length) if kind in LONG else b"".join(self._entries(start, length))
        self.seek(start + size)
        return data

    def _entries(self, start: int, length: int) -> Iterator[bytes]:
        """Yield the records of a pax header that matter, up to the first that does not parse.

        Raises ReadError if that is in a long header: a later record may say where the member ends.
        """
        at, end = start, start + length
        for _ in range(MOST_RECORDS):
            head = self._at(at, min(LONGEST_START, end - at))
            if not head.strip(b"\0"):
                return
            found = RECORD.match(head)
            stop = at + int(found[1]) if found else 0
            long = found is not None and found[2] not in (None, *NAMES) and stop - at > 2 * LONGEST_START
            if found is None or long or not at + found.end() < stop <= end:
                if length <= HEADER_BYTES:  # as tarfile does
                    return
                raise tarfile.ReadError(f"a record at byte {at} of a pax header of {length:,} bytes does not parse")
            if found[2]:
                yield _entry(found[2], self._name(at + found.end(), stop - 1 - at - found.end()))
            at = stop
        raise tarfile.ReadError(f"a pax header of {length:,} bytes has more than {MOST_RECORDS:,} records")

    def _name(self, start: int, length: int) -> bytes:
        """Return a value, or both its ends if it is too long to be read."""
        if length <= HEADER_BYTES:
            return self._at(start, length)
        self.fault = f"its name has {length:,} bytes, more than the {HEADER_BYTES:,} that are read"
        first, last = self._at(start, SHOWN), self._at(start + length - SHOWN, SHOWN).rstrip(b"\0")
        return first + b"..." + last

    def _at(self, start: int, length: int) -> bytes:
        self.file.seek(start)
        data = self.file.read(length)
        if len(data) < length:
            raise TruncatedTar(f"it ends at byte {start + len(data)}, inside an extended header")
        return data


def _length(header: bytes, size: int) -> int | None:
    """Return the bytes of an extended header if `header` is the block before it and `size` is requested, else None."""
    if header[156:157] not in (*PAX, *LONG):
        return None
    try:
        length: int = tarfile.nti(header[124:136])  # type: ignore[attr-defined]
    except tarfile.HeaderError:
        return None
    return length if length >= 0 and -(-length // BLOCK) * BLOCK == size else None


def _entry(keyword: bytes, value: bytes) -> bytes:
    """Return a pax record, which begins with its own length."""
    rest = b" " + keyword + b"=" + value + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest
