"""Reading: read image bytes ahead of need, with one request for images stored close together in one file.

Images in a tar are separated only by their headers and captions; reading them one by one would cost a request each
if the tar is stored in a bucket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from stages import images
from stages.images import ImageRefused

READERS = 8  # threads that wait for disks and networks and compute nothing
STRETCH_BYTES = 4 << 20  # read at once, unless a single image is longer
GAP_BYTES = 64 << 10  # largest gap between two images that costs less to read than another request
AHEAD_BYTES, AHEAD = 32 << 20, 64  # limits of bytes and of stretches being read or waiting


@dataclass(frozen=True)
class Locator:
    """Where an image is stored, and its place in its shard."""

    place: int
    uri: str
    offset: int
    length: int
    sha256: str

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True)
class Arriving:
    """An image whose bytes are being read together with those of `stretch`, the images around it."""

    locator: Locator
    stretch: Sequence[Locator]
    read: Future[bytes]

    def data(self) -> bytes:
        """Wait for the bytes. Raises ImageRefused if this image's own cannot be read, OSError as images.read does."""
        locator = self.locator
        try:
            start = locator.offset - self.stretch[0].offset
            return self.read.result()[start : start + locator.length]
        except ImageRefused:
            if len(self.stretch) == 1:
                raise
        return images.read(locator.uri, locator.offset, locator.length)  # another image of the stretch may be bad


def read_ahead(locators: Iterable[Locator], pool: Executor) -> Iterator[Arriving]:
    """Yield each locator's bytes, in order, as the pool's threads read them, a bounded amount ahead of the consumer."""
    waiting: deque[tuple[list[Locator], Future[bytes]]] = deque()
    remaining, size = stretches(locators), 0
    while True:
        while size < AHEAD_BYTES and len(waiting) < AHEAD and (stretch := next(remaining, None)):
            waiting.append((stretch, pool.submit(_read, stretch)))
            size += _length(stretch)
        if not waiting:
            return
        stretch, future = waiting.popleft()
        size -= _length(stretch)
        yield from (Arriving(locator, stretch, future) for locator in stretch)


def stretches(locators: Iterable[Locator]) -> Iterator[list[Locator]]:
    """Group locators; a new group starts if the next image is in another file, earlier, too far on or too large."""
    stretch: list[Locator] = []
    for locator in locators:
        if stretch and not _goes_on(stretch, locator):
            yield stretch
            stretch = []
        stretch.append(locator)
    if stretch:
        yield stretch


def _goes_on(stretch: list[Locator], locator: Locator) -> bool:
    last = stretch[-1]
    near = locator.uri == last.uri and 0 <= locator.offset - last.end <= GAP_BYTES
    return near and locator.end - stretch[0].offset <= STRETCH_BYTES


def _length(stretch: list[Locator]) -> int:
    return stretch[-1].end - stretch[0].offset


def _read(stretch: list[Locator]) -> bytes:
    return images.read(stretch[0].uri, stretch[0].offset, _length(stretch))
