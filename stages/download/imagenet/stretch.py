"""Stretch: a part of a file as a file of its own, such as a tar inside a tar, or some members of a tar."""

from __future__ import annotations

import io
from typing import IO, cast

END = bytes(1024)  # the two blocks of zeros that end a tar


class Stretch(io.RawIOBase):
    """`length` bytes of `file` from `offset`, fewer if the file ends; `ended`: as if a tar's end mark followed."""

    def __init__(self, file: IO[bytes], offset: int, length: int, *, ended: bool = False) -> None:
        self._file, self._offset, self._at = file, offset, 0
        self._length = max(0, min(length, file.seek(0, 2) - offset))
        self._end = END if ended else b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._length + len(self._end))[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Read at most `size` bytes, fewer only at the end."""
        stop = self._length + len(self._end)
        stop = stop if size is None or size < 0 else min(self._at + size, stop)
        data = b""
        if self._at < min(stop, self._length):
            self._file.seek(self._offset + self._at)
            data = self._file.read(min(stop, self._length) - self._at)
        if self._at + len(data) >= self._length and stop > self._length:
            data += self._end[max(0, self._at - self._length) : stop - self._length]
        self._at += len(data)
        return data

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)


def stretch(file: IO[bytes], offset: int, length: int, *, ended: bool = False) -> IO[bytes]:
    """Return a part of `file` as a file. The two share their position: read one at a time."""
    return cast(IO[bytes], Stretch(file, offset, length, ended=ended))


class Endless(io.BufferedReader):
    """A file that claims to be endless, so that the member of a tar's last header is reported even if it is truncated.

    Adjacent reads are merged: headers of a tar in a store are far apart, and each would take two requests.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(cast(io.RawIOBase, file), 4096)

    def seek(self, offset: int, whence: int = 0) -> int:
        return 1 << 60 if whence == 2 else super().seek(offset, whence)
