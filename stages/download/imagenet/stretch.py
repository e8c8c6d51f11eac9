"""Stretch: a part of a file, as a file of its own. A tar inside a tar is one, and so are some members of a tar."""

from __future__ import annotations

import io
from typing import IO, cast

END = bytes(1024)  # the two blocks of zeros that end a tar


class Stretch(io.RawIOBase):
    """`length` bytes of `file` from `offset`, fewer where it ends; `ended`: then as if a tar's end mark followed."""

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
        """At most `size` bytes, fewer only at the end."""
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
    """A part of `file` as a file. The two share their place: read one at a time."""
    return cast(IO[bytes], Stretch(file, offset, length, ended=ended))


class Endless(io.BufferedReader):
    """A file that says it goes on for ever: what a tar's last header promises is then told, although it was cut.

    Reads next to each other become one: headers of a tar in a store are far apart, and each would be two requests.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(cast(io.RawIOBase, file), 4096)

    def seek(self, offset: int, whence: int = 0) -> int:
        return 1 << 60 if whence == 2 else super().seek(offset, whence)
