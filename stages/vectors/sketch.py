"""Sketch: a few numbers for each vector; two sketches' inner product is never below their vectors' cosine.

Let P be k orthonormal directions and x, y unit vectors. What P leaves of them is orthogonal to it:

    x.y = Px.Py + (x - P'Px).(y - P'Py) <= Px.Py + r(x) r(y),    r(x)^2 = |x - P'Px|^2 = 1 - |Px|^2

by Cauchy-Schwarz. So with s(x) = (Px, r(x)), k + 1 numbers, s(x).s(y) >= x.y: a pair whose sketches'
product is below the floor cannot reach it, whatever was left out. (This is the same bound as
|x-y|^2 >= |Px-Py|^2 + (r(x)-r(y))^2, in the form that one matrix product computes.)

**Rounding is part of the bound.** Adding c to r^2 of both sides raises their product by at least c:
sqrt((a^2 + c)(b^2 + c)) >= ab + c. This has to cover:

- rounding Px to a type of unit roundoff u, which changes Px.Py by at most 2u + u^2 (both have length <= 1);
- P being orthonormal only up to e (its spectral error, checked to be < 2^-40): at most 2e;
- errors of d 2^-53 in each float64 sum of d products, of the order of 2^-42 for d = 2048.

With float32, u = 2^-24, all of this is below 1.3e-7; c = COVER = 2^-22 is 2.4e-7. The residual itself is
rounded up. The search has to allow only for the rounding of its own product (cosine.py, `slack`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.vectors.cosine import unit_rows

COVER = 2.0**-22
HALF_COVER = 1.25 * 2.0**-10  # the same for float16: u = 2^-11, and values below its smallest normal number
ORTHONORMAL = 2.0**-40
ROWS = 4096  # vectors at a time in float64: 25 MB at 768 numbers each


def sketched(vectors: NDArray[np.float32], directions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return (n, k + 1) float32 sketches of (n, dim) vectors of any length but zero, along (k, dim) directions.

    Raises ValueError if the directions are not orthonormal: the bound would not hold.
    """
    error = np.abs(directions @ directions.T - np.eye(len(directions))).sum(axis=1).max(initial=0.0)
    if not error <= ORTHONORMAL:  # also where it is NaN
        raise ValueError(f"the directions are not orthonormal: off by {error:.1e}")
    out = np.empty((len(vectors), len(directions) + 1), np.float32)
    for start in range(0, len(vectors), ROWS):
        out[start : start + ROWS] = of_parts(unit_rows(vectors[start : start + ROWS]) @ directions.T)
    return out


def of_parts(along: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return (n, k + 1) sketches of unit vectors, given their (n, k) components along k orthonormal directions."""
    out = np.empty((len(along), along.shape[1] + 1), np.float32)
    out[:, :-1] = along
    out[:, -1] = _residual(np.einsum("ij,ij->i", along, along), COVER, np.float32)
    return out


def in_half(sketches: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return the same sketches in float16; their products still bound the cosine, less tightly by about 0.001."""
    out = sketches.astype(np.float16)
    residual = sketches[:, -1].astype(np.float64)
    out[:, -1] = _residual(1.0 - residual * residual, HALF_COVER, np.float16)
    return out


def _residual(along: NDArray[np.float64], cover: float, kind: type[np.floating]) -> NDArray[np.floating]:
    """Return sqrt(1 - along + cover), rounded up to `kind`; `along` is the squared length along the directions."""
    exact = np.sqrt(np.maximum(1.0 - along, 0.0) + cover)
    near = exact.astype(kind)
    return np.where(near < exact, np.nextafter(near, kind(2)), near)
