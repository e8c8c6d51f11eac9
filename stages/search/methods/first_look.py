"""First look: a first pass in bfloat16, which new processors multiply fastest; its survivors are checked in float32.

Rows x are rounded to x' with 8 bits. The error of the inner product is at most

    |x.y - x'.y'| = |(x - x').y + x'.(y - y')| <= |x - x'| |y| + |x'| |y - y'|,

where each length is the largest on its side, measured on the rows themselves (float32 holds x - x' exactly). The
radius is lowered by this bound and by the possible summation error; the products themselves are exact in float32. The
result is rounded to bfloat16, and so is the lowered radius: rounding preserves order, so a product that reached the
radius still does. The bit patterns of positive bfloat16 numbers are ordered as integers and are compared as such. So
the first look loses no pair; its survivors are multiplied again in float32, which leaves what `products` would find.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.search.methods.base import Places
from stages.search.methods.products import cut, lots
from stages.vectors.cosine import slack

LEAST_RADIUS = 0.125  # lowered by less than a tenth, so it stays positive
ROWS, COLUMNS = 512, 1024  # size of one product: 1 MB
MULTIPLE = 32  # row lengths are a multiple of this, for the processor's tiles
TOGETHER = 32768  # pairs multiplied again at a time


class Rounded:
    """Rows in bfloat16, padded with zeros, and how far rounding moved them.

    `length`: length of the longest row, rounded or not; `off`: the largest distance that rounding moved a row.
    """

    def __init__(self, rows: NDArray[np.float32]) -> None:
        import torch

        width = -(-rows.shape[1] // MULTIPLE) * MULTIPLE
        self.rows = torch.zeros((len(rows), width), dtype=torch.bfloat16)
        self.rows[:, : rows.shape[1]] = torch.from_numpy(np.ascontiguousarray(rows))
        rounded = self.rows[:, : rows.shape[1]].float().numpy()
        self.length, self.off = max(_longest(rows), _longest(rounded)), _longest(rows - rounded)


def reaching(
    left: NDArray[np.float32], right: NDArray[np.float32], radius: float, diagonal: bool = False, threads: int = 1
) -> Iterator[Places]:
    """Yield (i, j) with left[i] . right[j] >= radius in float32, as products.reaching does; radius >= LEAST_RADIUS.

    `diagonal`: both are the same rows, and products without any i < j are skipped.
    """
    import torch

    torch.set_num_threads(threads)  # applies to this thread: each thread has its own setting
    x = Rounded(left)
    y = x if diagonal else Rounded(right)
    least = lowered(radius, x, y)
    for i, j in lots(_reaching(x.rows, y.rows, least, diagonal), TOGETHER):
        which = np.einsum("ij,ij->i", left[i], right[j]) >= np.float32(radius)
        if which.any():
            yield i[which], j[which]


def lowered(radius: float, x: Rounded, y: Rounded) -> float:
    """Return a radius that rounded rows reach whenever the original rows reach the given one."""
    lengths = x.length * y.length
    return radius - x.off * y.length - x.length * y.off - slack(4 * x.rows.shape[1]) * max(lengths, 1.0)


def _reaching(x: Any, y: Any, least: float, diagonal: bool) -> Iterator[Places]:
    """Yield (i, j) whose rounded product reaches `least`, rounded as well."""
    import torch

    bar = torch.tensor(least, dtype=torch.bfloat16).view(torch.int16).item()
    products, reaches = torch.empty(ROWS * COLUMNS, dtype=torch.bfloat16), np.empty(ROWS * COLUMNS, bool)
    bits = products.view(torch.int16).numpy()
    for rows, columns in cut(len(x), len(y), (ROWS, COLUMNS), diagonal):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        size = height * width
        torch.mm(x[rows], y[columns].T, out=products[:size].view(height, width))
        found = np.flatnonzero(np.greater_equal(bits[:size], bar, out=reaches[:size]))
        if len(found):
            yield found // width + rows.start, found % width + columns.start


def _longest(rows: NDArray[np.float32]) -> float:
    """Return the length of the longest row, plus a margin for the float32 error of summing up to 8,192 squares."""
    return float(np.sqrt(np.einsum("ij,ij->i", rows, rows).max(initial=0.0))) * (1 + 2.0**-11)
