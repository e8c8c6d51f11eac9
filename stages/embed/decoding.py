"""Decoding: decode and prepare images in threads, a bounded number of images ahead of the encoders.

One read and one decode serve all encoders, and encoders with the same preprocessing share that too. Order is
preserved: the output does not depend on which thread was faster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from PIL import Image

from stages import images
from stages.embed.ordered import in_order
from stages.embed.reading import READERS, Arriving, Locator, read_ahead
from stages.images import ImageRefused
from stages.models.encoders.base import Encoder, is_out_of_memory

UNPREPARED, CHANGED = "unprepared", "changed"


@dataclass(frozen=True)
class Prepared:
    """An image as prepared for each encoder, or the reason there is none."""

    place: int
    inputs: Mapping[str, Any]
    refusal: ImageRefused | None = None


def prepared(
    locators: Iterable[Locator], encoders: Mapping[str, Encoder], *, threads: int, ahead: int
) -> Generator[Prepared]:
    """Yield each locator's prepared image, in order; at most `ahead` (1 or more) are in progress or waiting at once.

    If the generator is closed early, by the caller or by an error, waiting work is dropped.
    """
    readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
    decoders = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    try:
        arriving = read_ahead(locators, readers)
        yield from in_order(decoders, lambda image: _prepare(image, encoders), arriving, ahead)
    finally:
        for pool in (decoders, readers):  # in this order: a decoder may be waiting for a read
            pool.shutdown(cancel_futures=True)


def _prepare(arriving: Arriving, encoders: Mapping[str, Encoder]) -> Prepared:
    place = arriving.locator.place
    try:
        return Prepared(place, _inputs(images.decode(_same_bytes(arriving)), encoders))
    except ImageRefused as refusal:
        return Prepared(place, {}, refusal)


def _same_bytes(arriving: Arriving) -> bytes:
    """Return the image's bytes. Raises ImageRefused if they are no longer those the images table was made from."""
    data = arriving.data()
    if hashlib.sha256(data).hexdigest() != arriving.locator.sha256:
        raise ImageRefused(CHANGED, f"{arriving.locator.uri}: its bytes changed after the images table was made")
    return data


def _inputs(image: Image.Image, encoders: Mapping[str, Encoder]) -> dict[str, Any]:
    """Return encoder -> the image prepared for it; a preparation shared by several encoders is done once."""
    made: dict[str, Any] = {}
    for name, encoder in encoders.items():
        if encoder.preparation not in made:
            made[encoder.preparation] = _input(name, encoder, image)
    return {name: made[encoder.preparation] for name, encoder in encoders.items()}


def _input(name: str, encoder: Encoder, image: Image.Image) -> Any:
    """Prepare the image for this encoder. If that fails, the image is rejected; out of memory is raised instead."""
    try:
        return encoder.prepare(image)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        sentence = f"the encoder {name} cannot prepare it: {' '.join(f'{type(error).__name__}: {error}'.split())}"
        raise ImageRefused(UNPREPARED, sentence) from error


def batches(stream: Iterable[Prepared], size: int) -> Iterator[list[Prepared]]:
    """Split the stream into lists of `size`; the last may be shorter."""
    remaining = iter(stream)
    while batch := list(islice(remaining, size)):
        yield batch
