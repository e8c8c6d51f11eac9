"""Decoding: images are read, decoded and prepared in threads, a bounded number ahead of the model.

One read and one decode serve all encoders. Order is kept: what comes out does not depend on which
thread was quick.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from stages import images
from stages.images import ImageRefused
from stages.models.encoders.base import Encoder


@dataclass(frozen=True)
class Locator:
    """Where an image lies, and at which place of its shard it stands."""

    place: int
    uri: str
    offset: int
    length: int


@dataclass(frozen=True)
class Prepared:
    """An image as each encoder wants it, or the reason there is none."""

    place: int
    inputs: Mapping[str, Any]
    refusal: ImageRefused | None = None


def prepared(
    locators: Iterable[Locator], encoders: Mapping[str, Encoder], *, threads: int, ahead: int
) -> Iterator[Prepared]:
    """Each locator's image, prepared, in order; at most `ahead` images are in memory at once."""
    waiting: deque[Future[Prepared]] = deque()
    remaining = iter(locators)
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        for locator in islice(remaining, ahead):
            waiting.append(pool.submit(_prepare, locator, encoders))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(_prepare, locator, encoders) for locator in islice(remaining, 1))


def _prepare(locator: Locator, encoders: Mapping[str, Encoder]) -> Prepared:
    try:
        image = images.decode(images.read(locator.uri, locator.offset, locator.length))
    except ImageRefused as refusal:
        return Prepared(locator.place, {}, refusal)
    return Prepared(locator.place, {name: encoder.prepare(image) for name, encoder in encoders.items()})


def batches(stream: Iterable[Prepared], size: int) -> Iterator[list[Prepared]]:
    """The stream cut into lists of `size`; the last may be shorter."""
    remaining = iter(stream)
    while batch := list(islice(remaining, size)):
        yield batch
