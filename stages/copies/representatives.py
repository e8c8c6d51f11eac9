"""Representatives: which image represents each image, when images arrived in several lots.

An image's representative is determined by its own lot and earlier lots, and never changes afterwards, because tiles
were made with it. Images of one lot that are copies of each other share a representative: that of an earlier image
which equals one of them, or else the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stages.classes import Classes, joined_classes

BYTES, VECTORS = "bytes", "vectors"  # values of copies.same

Texts = NDArray[np.bytes_]


def standing(by_bytes: Classes, by_vectors: Classes, ends: Sequence[int]) -> Classes:
    """Return for each image the place of its representative, (n,); an image may be its own.

    `by_bytes`, `by_vectors`: for each image, the place of the first image of the same class. `ends`: the total number
    of images at the end of each lot; the last is n.
    """
    stands = np.arange(len(by_bytes))
    known = [np.full(len(stands), len(stands)) for _ in range(2)]  # class -> its representative so far
    for start, stop in pairwise((0, *ends)):
        lot, of = np.arange(start, stop), (by_bytes[start:stop], by_vectors[start:stop])
        first = start + _joined(*map(_firsts_within, of))
        earlier = np.minimum(*(seen[classes] for seen, classes in zip(known, of, strict=True)))
        least = np.full(len(stands), len(stands))
        np.minimum.at(least, first, earlier)
        stands[lot] = np.where(least[first] < len(stands), least[first], first)
        for seen, classes in zip(known, of, strict=True):
            new = seen[classes] == len(stands)
            np.minimum.at(seen, classes[new], stands[lot][new])
    return stands


def firsts(texts: Texts) -> Classes:
    """Return for each text the place of the first equal text; an empty text equals no other."""
    _, first, inverse = np.unique(texts, return_index=True, return_inverse=True)
    return np.where(texts == b"", np.arange(len(texts)), first[inverse])


def in_company(classes: Classes) -> NDArray[np.bool_]:
    """Mark the images that have another image in their class."""
    return np.bincount(classes, minlength=len(classes))[classes] > 1 if len(classes) else np.zeros(0, bool)


def _firsts_within(classes: Classes) -> Classes:
    """Renumber classes by the place of their first image among the given ones."""
    _, first, inverse = np.unique(classes, return_index=True, return_inverse=True)
    return first[inverse]


def _joined(*classes: Classes) -> Classes:
    places = np.arange(len(classes[0]))
    return joined_classes(len(places), np.concatenate([places] * len(classes)), np.concatenate(classes))
