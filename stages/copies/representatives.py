"""Representatives: which image stands for each, when images came in several lots.

Who stands for an image is settled by its own lot and those before, and never again: tiles were made
with it. Images of a lot that are copies of each other stand or fall together: what stood for an
earlier image that one of them equals stands for all of them, else the first of them does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stages.classes import Classes, joined_classes

Texts = NDArray[np.bytes_]


def standing(by_bytes: Classes, by_vectors: Classes, ends: Sequence[int]) -> Classes:
    """(n,) for each image the place of that which stands for it, its own if it stands.

    `by_bytes`, `by_vectors`: for each the place of the first of the same class. `ends`: how many images
    there are at the end of each lot, the last of them n.
    """
    stands = np.arange(len(by_bytes))
    known = [np.full(len(stands), len(stands)) for _ in range(2)]  # class -> what stands for its images so far
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
    """For each text the place of the first that equals it; an empty one equals no other."""
    _, first, inverse = np.unique(texts, return_index=True, return_inverse=True)
    return np.where(texts == b"", np.arange(len(texts)), first[inverse])


def in_company(classes: Classes) -> NDArray[np.bool_]:
    """Which images have another in their class."""
    return np.bincount(classes, minlength=len(classes))[classes] > 1 if len(classes) else np.zeros(0, bool)


def _firsts_within(classes: Classes) -> Classes:
    """Classes of some images by the place of the first among these alone."""
    _, first, inverse = np.unique(classes, return_index=True, return_inverse=True)
    return first[inverse]


def _joined(*classes: Classes) -> Classes:
    places = np.arange(len(classes[0]))
    return joined_classes(len(places), np.concatenate([places] * len(classes)), np.concatenate(classes))
