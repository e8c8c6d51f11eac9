"""Cosine: in float64, the final score of every pair.

A pair's cosine is the same bit for bit whichever tile, order or side it is scored in: products
commute, and NumPy sums each row by itself. For two equal vectors it is exactly 1, because in binary floating
point sqrt(s * s) is s: a floor of 1.0 finds them, and vectors that float64 cannot distinguish from them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROWS = 128  # pairs scored at a time, so that what they need fits in the cache: 4 x ROWS x dim x 8 bytes


def cosines(
    left: NDArray[np.float32], right: NDArray[np.float32], i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the cosine of left[i[k]] and right[j[k]] for each k: (k,) float64, within [-1, 1]."""
    parts = [_scored(left[i[start : start + ROWS]], right[j[start : start + ROWS]]) for start in range(0, len(i), ROWS)]
    return np.concatenate(parts) if parts else np.zeros(0)


def slack(dim: int) -> float:
    """Return how far the float32 inner product of two rows of `of_unit_length` may be from the stored rows' cosine.

    Summing d products in float32, in any order, fused or not, errs by at most gamma_d = d u / (1 - d u)
    times |x||y|, u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1).
    Rounding both rows to float32 adds 2u, the threshold's own rounding adds u / 2, and the lengths (off by u)
    and float64's errors add terms of second order. The sum is gamma_d + 2.5u; this function returns 2 gamma_d + 4u.
    """
    unit = dim * 2.0**-24
    return 2 * unit / (1 - unit) + 2.0**-22


def of_unit_length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalize (n, dim) rows to unit length, to float32; vectors stored as float16 are off by up to 5e-4."""
    return unit_rows(vectors).astype(np.float32)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Normalize (n, dim) rows to unit length, to float64."""
    wide = vectors.astype(np.float64)
    wide /= np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
    return wide


def _scored(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float64]:
    wide_x, wide_y = x.astype(np.float64), y.astype(np.float64)
    dots = (wide_x * wide_y).sum(axis=1)
    lengths = np.sqrt((wide_x * wide_x).sum(axis=1) * (wide_y * wide_y).sum(axis=1))
    return np.clip(dots / lengths, -1.0, 1.0)
