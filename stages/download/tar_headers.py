"""Tar headers: a tar as tarfile may read it, whatever its extended headers hold, within a bounded memory.

Before a member may stand headers of any length: pax records (POSIX.1-2008, "pax Interchange Format"), of which one
may be a whole file's extended attributes, and GNU tar's long names. tarfile reads each of them at once. Here one of
more than HEADER_BYTES is read a piece at a time, and only what tells where a member lies and what it is called
is handed on; a name that is longer than that is cut, and `fault` says so.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from typing import IO

BLOCK = 512
HEADER_BYTES = 1 << 20  # of a name, and of anything else that is read at once
MOST_RECORDS = 1_000_000  # of a pax header: some seconds
SHOWN = 100  # bytes of either end of a name that is cut

PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
NAMES = (b"path", b"linkpath", b"GNU.sparse.name")
# of a sparse file's maps none is needed: its bytes do not lie in one piece, whatever they say
SPARSE = tuple(b"GNU.sparse." + word for word in (b"size", b"realsize", b"major", b"minor"))
RECORD = re.compile(rb"(\d{1,19}) (?:(%s)=)?" % b"|".join((*NAMES, *SPARSE, b"size", b"hdrcharset")))
LONGEST_START = 64  # bytes of a record's length and of those keywords


class TruncatedTar(tarfile.ReadError):
    """The tar ends inside an extended header."""


class Headers:
    """A tar of `size` bytes as tarfile may read it. `fault`: why the last member is not what it is called, if so."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self._size, self._last = file, size, b""
        self.seek, self.tell = file.seek, file.tell
        self.fault: str | None = None

    def read(self, size: int) -> bytes:
        """At most HEADER_BYTES as they lie there; of extended headers what matters. Raises TruncatedTar."""
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
        """The records of a pax header that matter, up to the first that does not parse.

        Raises ReadError where that is in a long header: where the member ends may stand behind it.
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
        """A value, or both its ends if it is too long to be read."""
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
    """The bytes of an extended header, if `header` is the block before it and `size` is asked for; None: it is not."""
    if header[156:157] not in (*PAX, *LONG):
        return None
    try:
        length: int = tarfile.nti(header[124:136])  # type: ignore[attr-defined]
    except tarfile.HeaderError:
        return None
    return length if length >= 0 and -(-length // BLOCK) * BLOCK == size else None


def _entry(keyword: bytes, value: bytes) -> bytes:
    """A pax record, which begins with its own length."""
    rest = b" " + keyword + b"=" + value + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest
