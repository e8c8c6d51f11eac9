"""Decoding: images are read, decoded and prepared in threads, a bounded number ahead of the model.

One read and one decode serve all encoders. Order is kept: what comes out does not depend on which
thread was quick.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from PIL import Image

from stages import images
from stages.images import ImageRefused
from stages.models.encoders.base import Encoder, is_out_of_memory

UNPREPARED, CHANGED = "unprepared", "changed"


@dataclass(frozen=True)
class Locator:
    """Where an image lies, and at which place of its shard it stands."""

    place: int
    uri: str
    offset: int
    length: int
    sha256: str


@dataclass(frozen=True)
class Prepared:
    """An image as each encoder wants it, or the reason there is none."""

    place: int
    inputs: Mapping[str, Any]
    refusal: ImageRefused | None = None


def prepared(
    locators: Iterable[Locator], encoders: Mapping[str, Encoder], *, threads: int, ahead: int
) -> Iterator[Prepared]:
    """Each locator's image, prepared, in order; at most `ahead` (1 or more) are at work or waiting at once.

    Left early, by the caller or by an error, it drops what is still waiting.
    """
    waiting: deque[Future[Prepared]] = deque()
    remaining = iter(locators)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    try:
        waiting.extend(pool.submit(_prepare, locator, encoders) for locator in islice(remaining, ahead))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(_prepare, locator, encoders) for locator in islice(remaining, 1))
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(locator: Locator, encoders: Mapping[str, Encoder]) -> Prepared:
    try:
        image = images.decode(_same_bytes(locator))
        return Prepared(locator.place, {name: _input(name, encoder, image) for name, encoder in encoders.items()})
    except ImageRefused as refusal:
        return Prepared(locator.place, {}, refusal)


def _same_bytes(locator: Locator) -> bytes:
    """The image's bytes. Raises ImageRefused where they are no longer those the images table was made of."""
    data = images.read(locator.uri, locator.offset, locator.length)
    if hashlib.sha256(data).hexdigest() != locator.sha256:
        raise ImageRefused(CHANGED, f"{locator.uri}: its bytes changed after the images table was made")
    return data


def _input(name: str, encoder: Encoder, image: Image.Image) -> Any:
    """The image as this encoder wants it. One it cannot prepare is rejected; the machine's failure is raised."""
    try:
        return encoder.prepare(image)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        sentence = f"the encoder {name} cannot prepare it: {' '.join(f'{type(error).__name__}: {error}'.split())}"
        raise ImageRefused(UNPREPARED, sentence) from error


def batches(stream: Iterable[Prepared], size: int) -> Iterator[list[Prepared]]:
    """The stream cut into lists of `size`; the last may be shorter."""
    remaining = iter(stream)
    while batch := list(islice(remaining, size)):
        yield batch
