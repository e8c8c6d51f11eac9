"""Classes: images that are the same picture, each identified by the smallest id of its class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Classes = NDArray[np.int64]  # image (by its place in the sorted ids) -> place of its class's smallest id


def joined_classes(count: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> Classes:
    """Return the connected components of `count` images under these edges (both ends by place)."""
    component = components(count, left, right)
    smallest = np.full(component.max(initial=-1) + 1, count)
    np.minimum.at(smallest, component, np.arange(count))
    return smallest[component]


def components(count: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the component number of each of `count` places."""
    from scipy.sparse import coo_array  # takes a third of a second to load, for which a finished run need not wait
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    return np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)
