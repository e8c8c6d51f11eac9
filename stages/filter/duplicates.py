"""Duplicates: images that are one picture. A pair of copies would be shown to people twice.

Exact duplicates have the same sha256; near-duplicates are near for *both* encoders, or joined by a
chain of such (a re-saved or resized copy), all of them images that stand in some pair within the
thresholds. Each image is given the smallest image_id of its class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Classes = NDArray[np.int64]  # image (by its place in the sorted ids) -> place of its class's smallest id


def exact_classes(sha256: Sequence[str]) -> Classes:
    """Classes of the images that have the same bytes; `sha256` in the order of the sorted ids."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(digest, place) for place, digest in enumerate(sha256)], dtype=np.int64)


def joined_classes(count: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> Classes:
    """Connected components of `count` images under these edges (both ends by place)."""
    component = components(count, left, right)
    smallest = np.full(component.max(initial=-1) + 1, count)
    np.minimum.at(smallest, component, np.arange(count))
    return smallest[component]


def components(count: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """The component number of each of `count` places."""
    edges = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    return np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)
