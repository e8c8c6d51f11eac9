"""Computing: run batches through the encoders, several in flight, split and retried when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stages.embed.decoding import Prepared, batches
from stages.embed.ordered import in_order
from stages.images import ImageRefused
from stages.models.encoders.base import Encoder, is_out_of_memory

BAD_VECTOR = "bad_vector"
LANES = 2  # batches on a GPU at once: one is copied while the other is computed
QUEUED = 2  # batches that wait behind those, so that no thread idles while a shard's rows are written


@dataclass(frozen=True)
class Answer:
    """The result for one image: a unit vector from each encoder, or the reason there is none."""

    place: int
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    refusal: ImageRefused | None = None


@dataclass
class Within:
    """Encodes batches within the available memory, and remembers the size that fits.

    A batched encoder gets batches of one size, the last padded with its last image: so no kernel is compiled or chosen
    again, and the number of images in a shard changes no vector.
    """

    encoder: Encoder
    largest: int | None = None  # images that fit; None: any number has fit so far
    shrunk: Callable[[int], None] = lambda size: None  # called with the new size when they do not fit

    def encode(self, batch: Sequence[Any]) -> NDArray[np.float32]:
        """Encode n >= 1 images to (n, dim) float32. Raises the encoder's own error if a single image does not fit."""
        size = min(self.largest or len(batch), len(batch))
        try:
            parts = [self._filled(batch[start : start + size]) for start in range(0, len(batch), size)]
            return np.concatenate(parts)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or size == 1:
                raise
        # outside the handler, so that the failed batch's memory is freed before the next try
        self.largest = min(self.largest or size, size // 2)
        self.shrunk(self.largest)
        return self.encode(batch)

    def _filled(self, batch: Sequence[Any]) -> NDArray[np.float32]:
        missing = (self.largest or 0) - len(batch) if self.encoder.batched else 0
        return self.encoder.encode([*batch, *[batch[-1]] * missing])[: len(batch)]


def warmed(within: Within) -> Within:
    """Encode a blank image first, so that one thread chooses and compiles kernels, not all lanes at once."""
    within.encode([within.encoder.prepare(Image.new("RGB", (64, 64)))])
    return within


class Lanes:
    """The threads that compute, two if there is a GPU: each has its own GPU stream for the life of the worker."""

    def __init__(self, encoders: Mapping[str, Within], together: int) -> None:
        """`together`: images passed on at once if no encoder sets its own batch size."""
        self._encoders, self._together = encoders, together
        self._count = LANES if any(within.encoder.batched for within in encoders.values()) else 1
        self._pool = ThreadPoolExecutor(self._count, thread_name_prefix="compute")

    @property
    def size(self) -> int:
        """Images passed on at once: the largest batch of any encoder."""
        sizes = [within.largest for within in self._encoders.values() if within.encoder.batched and within.largest]
        return max(sizes, default=self._together)

    def answers(self, images: Iterable[Prepared]) -> Generator[Answer]:
        """Yield the result for each image, in order. The threads keep working while the caller uses the results."""
        together = batches(images, self.size)
        with closing(in_order(self._pool, self._answered, together, self._count + QUEUED)) as answered:
            for answers in answered:
                yield from answers

    def _answered(self, batch: list[Prepared]) -> list[Answer]:
        read = [image for image in batch if image.refusal is None]
        found = {image.place: Answer(image.place, refusal=image.refusal) for image in batch}
        if read:
            found |= {answer.place: answer for answer in self._encoded(read)}
        return list(found.values())

    def _encoded(self, read: list[Prepared]) -> Iterator[Answer]:
        vectors, sound = {}, {}
        for name, within in self._encoders.items():
            vectors[name], sound[name] = unit(within.encode([image.inputs[name] for image in read]))
        for row, image in enumerate(read):
            bad = [name for name in self._encoders if not sound[name][row]]
            if bad:
                yield Answer(image.place, refusal=ImageRefused(BAD_VECTOR, self._bad(bad[-1])))
            else:
                yield Answer(image.place, {name: found[row] for name, found in vectors.items()})

    def _bad(self, name: str) -> str:
        narrow = self._encoders[name].encoder.computed.startswith("float16")
        remedy = "; float16 ends at 65,504: try embed.precision bfloat16 or float32" if narrow else ""
        return f"the encoder {name} gave a vector that is zero or not finite{remedy}"


def unit(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return rows scaled to unit length (in float64), and which rows could be: those finite and not all zero."""
    wide = vectors.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        length = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
        good = np.isfinite(length[:, 0]) & (length[:, 0] > 0)
        return np.where(good[:, None], wide / length, 0.0).astype(np.float32), good
