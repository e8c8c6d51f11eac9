"""Length: how many directions a sketch should have, given its cost and the pairs it leaves to score.

With a longer sketch every comparison costs more and fewer pairs survive it. Both costs are in units of one
multiply-add of a matrix product, as measured by hand on two cores: only their ratio matters, and a poor choice
costs time, never a pair.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stages.vectors.cosine import unit_rows
from stages.vectors.sketch import of_parts, sketched

LENGTHS = (3, 7, 11, 15, 19, 23, 27, 31, 39, 47, 55, 63, 79, 95, 127, 159, 191, 255, 383, 511, 767, 1023, 1535, 2047)
LOOK = 4  # to compare one product with the floor
SCORE = 400_000  # to read the vectors of one surviving pair and score it in float64: 12 microseconds
PAIRS_OF = 1024  # vectors whose pairs are counted: half a million pairs, so one survivor among them costs 0.8


def fitting_length(vectors: NDArray[np.float32], directions: NDArray[np.float64], floor: float) -> int:
    """Return how many of the first `directions` (dim, dim) are cheapest for the pairs of these (n, dim) vectors."""
    along = unit_rows(few(vectors)) @ directions.T
    best, cheapest = len(directions), np.inf
    for length in _lengths(len(directions)):
        if length + LOOK >= cheapest:
            break  # all further lengths are longer still
        if (cost := length + LOOK + SCORE * _share(of_parts(along[:, :length]), floor)) < cheapest:
            best, cheapest = length, cost
    return best


def few(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return at most PAIRS_OF of the vectors, evenly spaced."""
    return vectors[:: -(-len(vectors) // PAIRS_OF) or 1]


def _lengths(dim: int) -> Iterator[int]:
    yield from (length for length in LENGTHS if length < dim)
    yield dim


def surviving(vectors: NDArray[np.float32], directions: NDArray[np.float64], floor: float) -> float:
    """Return the share of pairs whose sketches' product reaches the floor."""
    return _share(sketched(vectors, directions), floor)


def _share(sketches: NDArray[np.float32], floor: float) -> float:
    count = len(sketches)
    reaching = np.count_nonzero(sketches @ sketches.T >= np.float32(floor)) - count  # each reaches itself
    return reaching / max(count * (count - 1), 1)
