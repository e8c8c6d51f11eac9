"""Draw: which images are decoded: all, none, or N of all shards together, the same images for the same seed."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from manifests.errors import Refused

ALL = "all"
NONE = "none"


@dataclass(frozen=True, order=True)
class Drawn:
    """An image to decode at the end; `again` reads its bytes again."""

    rank: int
    place: tuple[str, str] = field(compare=False)  # file and member, as findings name them
    again: Callable[[], bytes] = field(compare=False)


class Draw:
    """A seeded draw from an unknown number of images: each gets a random rank, and the N least ranks are kept."""

    def __init__(self, words: str, seed: int) -> None:
        if words not in (ALL, NONE) and not (words.isascii() and words.isdigit()):
            raise Refused(f"--decode takes a number, all or none, not {words!r}")
        self._words, self.every = words, words == ALL
        self._most = 0 if words in (ALL, NONE) else int(words)
        self._seed = seed
        self._heap: list[Drawn] = []

    def offer(self, number: int, place: tuple[str, str], again: Callable[[], bytes]) -> None:
        """Offer an image, the `number`th of its file, to the draw."""
        if not self._most:
            return
        words = "\0".join((str(self._seed), *place, str(number))).encode("utf-8", "surrogateescape")
        # negative, so that the heap's first element is the one to be replaced
        self._put(Drawn(-int.from_bytes(hashlib.blake2b(words, digest_size=8).digest()), place, again))

    def fresh(self) -> Draw:
        """Return the same draw before any image was offered; the draws of several shards can be joined."""
        return Draw(self._words, self._seed)

    def join(self, other: Draw) -> None:
        """Offer the images of another draw to this one."""
        for one in other._heap:
            self._put(one)

    def _put(self, one: Drawn) -> None:
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, one)
        elif one.rank > self._heap[0].rank:
            heapq.heapreplace(self._heap, one)

    def drawn(self) -> list[Drawn]:
        """Return the drawn images, in the order of their names."""
        return sorted(self._heap, key=lambda one: one.place)
