"""Ranges: byte ranges of a file in a store, each complete or an error that says whose failure it is.

A request is retried if no answer came or its body broke off (patience.py). No library notices an answer that is
shorter than requested: such a range is read again here.
"""

from __future__ import annotations

import errno
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from fsspec.caching import caches

from manifests.stores.faults import Unreachable, code_of
from manifests.stores.patience import patiently
from manifests.stores.places import DISK, place

WAITS = (0.1, 0.5, 2.0)  # seconds before a range that came back too short is read again
BEYOND = ("InvalidRange", "416")  # a store's codes for a range that starts at or after the end of the file
AHEAD = 4 << 20  # bytes per block when a file is read from start to end
BLOCKS = 3  # held at once: a member may span two, and tarfile looks back by one byte


def read_range(url: str, offset: int, length: int) -> bytes:
    """Read `length` bytes from `offset`, in one ranged request to the store; fewer only where the file itself ends.

    Raises FileNotFoundError or PermissionError if the store reports that for this file, Unreachable for
    anything else.
    """
    if length == 0:
        return b""  # there is no such range in HTTP
    fs, path = place(url)

    def fetch() -> bytes:
        return bytes(fs.cat_file(path, start=offset, end=offset + length))

    return _whole(fetch, offset, length, lambda: _size(url), url)


def read_all(url: str) -> bytes:
    """Read a small file of a store, all of it from one version. Raises as `read_range` does."""
    fs, path = place(url)
    for wait in (*WAITS, None):
        size = _size(url)
        data = patiently(lambda: bytes(fs.cat_file(path, start=0)), url) if size else b""
        if len(data) == size or wait is None:
            break
        time.sleep(wait)  # cut short, or rewritten between the two requests
    if len(data) != size:
        raise Unreachable(errno.EIO, f"{len(data)} of {size} bytes came", url)
    return data


@contextmanager
def opened(url: str, *, ahead: bool = False) -> Iterator[IO[bytes]]:
    """Open a seekable file. In a store each read is one request; with `ahead` it is read in blocks of 4 MiB instead.

    Raises as `read_range` does, when it is opened and at each read.
    """
    fs, path = place(url)
    if fs is DISK:
        with fs.open(path, "rb") as file:
            yield file
        return
    with patiently(lambda: fs.open(path, "rb", cache_type="none"), url) as inner:
        yield cast(IO[bytes], _Ranged(inner, url, ahead))


class _Ranged(io.RawIOBase):
    """A file of a store; every read is complete or raises."""

    def __init__(self, inner: Any, url: str, ahead: bool) -> None:
        self._inner, self._url, self._at = inner, url, 0
        self.size = int(inner.seek(0, 2))
        name, options = ("blockcache", {"maxblocks": BLOCKS}) if ahead else ("none", {})
        self._cache = caches[name](AHEAD, self._fetched, self.size, **options)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        place = offset + (0, self._at, self.size)[whence]
        if place < 0:
            raise OSError(errno.EINVAL, "before the start of the file", self._url)
        self._at = place
        return place

    def read(self, size: int | None = -1) -> bytes:
        """Read at most `size` bytes, fewer only at the end of the file."""
        stop = self.size if size is None or size < 0 else min(self._at + size, self.size)
        data = bytes(self._cache._fetch(self._at, stop)) if self._at < stop else b""
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _fetched(self, start: int, stop: int) -> bytes:
        stop = min(stop, self.size)

        def fetch() -> bytes:
            self._inner.seek(start)
            return bytes(self._inner.read(stop - start))

        return _whole(fetch, start, stop - start, lambda: self.size, self._url)


def _whole(fetch: Callable[[], bytes], offset: int, length: int, size: Callable[[], int], url: str) -> bytes:
    """Return the result of `fetch`, retried while it is shorter than requested and than what the file has there."""
    for wait in (*WAITS, None):
        try:
            data = patiently(fetch, url)
        except OSError as error:
            if code_of(error) not in BEYOND:
                raise
            data = b""
        if len(data) == length:
            return data
        if len(data) == (there := max(0, min(length, size() - offset))):
            return data
        if wait is not None:
            time.sleep(wait)
    raise Unreachable(errno.EIO, f"{len(data)} of {there} bytes came", url)


def _size(url: str) -> int:
    fs, path = place(url)
    return int(patiently(lambda: fs.info(path), url)["size"])
