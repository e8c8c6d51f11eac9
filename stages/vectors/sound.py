"""Sound: which vectors are fit to be compared. Embeddings may come from elsewhere, so they are checked again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OFF_UNIT = 1e-3  # storing as float16 moves a length by up to 5e-4
NOT_FINITE, NOT_UNIT = "vector_not_finite", "vector_not_of_unit_length"
SENTENCES = {
    NOT_FINITE: "a number of its vector is NaN or infinite",
    NOT_UNIT: f"the length of its vector is not 1 within {OFF_UNIT}",
}


def sound(vectors: NDArray[np.float32]) -> NDArray[np.str_]:
    """Return for each of (n, dim) vectors why it cannot be compared, or "" if it can."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    finite = np.isfinite(vectors).all(axis=1)
    unit = np.abs(lengths - 1.0) <= OFF_UNIT
    return np.where(~finite, NOT_FINITE, np.where(unit, "", NOT_UNIT))
