"""Reasons: which pairs are kept, best first, and why the others are not: every reason has its name here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stages.classes import Classes, components

THRESHOLDS = BLIND_LOW, REFERENCE_HIGH = "blind_cosine_too_low", "reference_cosine_too_high"  # counted, no rows
NEAR, CAPPED = "near_duplicate", "image_in_enough_pairs"  # values of pairs.reason


def reasons(
    left: NDArray[np.int64], right: NDArray[np.int64], classes: dict[str, Classes], cap: int | None
) -> list[str | None]:
    """Return for each pair, best first, the reason why it is left out, or None if it is kept.

    `left`, `right`: places of the images. `classes`: reason -> duplicate classes, checked in order: a pair is removed
    if its two images are in the same class, or if a better pair has images of the same two classes. Then the cap: a
    pair is removed if one of its images is already in `cap` kept pairs. A pair removed by the cap still counts as the
    better pair: duplicates must not bring back an image that was in enough pairs.
    """
    of_image = {reason: of.tolist() for reason, of in classes.items()}
    seen: dict[str, set[tuple[int, int]]] = {reason: set() for reason in classes}
    uses: Counter[int] = Counter()
    out: list[str | None] = []
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        reason = next(_repeated(a, b, of_image, seen), None)
        if reason is None and cap is not None and max(uses[a], uses[b]) >= cap:
            reason = CAPPED
        if reason is None:
            uses.update((a, b))
        out.append(reason)
    return out


def groups(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the connected component of each pair, numbered from 1 in the order of the pairs."""
    if not len(left):
        return np.zeros(0, dtype=np.int64)
    places, ends = np.unique(np.concatenate([left, right]), return_inverse=True)
    of_pair = components(len(places), ends[: len(left)], ends[len(left) :])[ends[: len(left)]]
    _, first, inverse = np.unique(of_pair, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(1, len(first) + 1)
    return number[inverse]


def _repeated(a: int, b: int, of_image: dict[str, list[int]], seen: dict[str, set[tuple[int, int]]]) -> Iterator[str]:
    for reason, of in of_image.items():
        pair = (min(of[a], of[b]), max(of[a], of[b]))
        if pair[0] == pair[1] or pair in seen[reason]:
            yield reason
        seen[reason].add(pair)
