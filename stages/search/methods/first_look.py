"""First look: every product in bfloat16, which new processors multiply fastest; float32 for what it leaves.

Rows x are rounded to x' of 8 bits. Of the product that float32 would be asked for this is off by

    |x.y - x'.y'| = |(x - x').y + x'.(y - y')| <= |x - x'| |y| + |x'| |y - y'|,

each length the largest of its side, taken from the rows themselves (float32 holds x - x' exactly). The radius is
lowered by that, and by what summing may err; the products themselves are exact in float32. The result comes rounded
to bfloat16, and so is the lowered radius: rounding keeps order, so what reached the one reaches the other. Positive
numbers of that type lie in order as whole numbers do, and are compared as such. So no pair is lost by the first look;
what it leaves is multiplied again in float32, and is what `products` would name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.search.methods.base import Places
from stages.search.methods.products import cut, lots
from stages.vectors.cosine import slack

LEAST_RADIUS = 0.125  # lowered by less than a tenth, it stays positive
ROWS, COLUMNS = 512, 1024  # of one product: 1 MB
MULTIPLE = 32  # of numbers in a row, for the processor's tiles
TOGETHER = 32768  # pairs multiplied again at a time


class Rounded:
    """Rows in bfloat16, filled up with zeros, and how far rounding moved them.

    `length`: the longest row, rounded or not; `off`: the farthest that one was moved.
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
    """(i, j) with left[i] . right[j] >= radius in float32, as products.reaching; the radius >= LEAST_RADIUS.

    `diagonal`: both are the same rows, and products that hold no i < j are left out.
    """
    import torch

    torch.set_num_threads(threads)  # of this thread: each has a number of its own
    x = Rounded(left)
    y = x if diagonal else Rounded(right)
    least = lowered(radius, x, y)
    for i, j in lots(_reaching(x.rows, y.rows, least, diagonal), TOGETHER):
        which = np.einsum("ij,ij->i", left[i], right[j]) >= np.float32(radius)
        if which.any():
            yield i[which], j[which]


def lowered(radius: float, x: Rounded, y: Rounded) -> float:
    """What the product of the rounded rows reaches wherever that of the rows reaches the radius."""
    lengths = x.length * y.length
    return radius - x.off * y.length - x.length * y.off - slack(4 * x.rows.shape[1]) * max(lengths, 1.0)


def _reaching(x: Any, y: Any, least: float, diagonal: bool) -> Iterator[Places]:
    """(i, j) whose rounded product reaches `least` rounded."""
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
    """The length of the longest of them, and a little more: what the sum of up to 8,192 squares errs in float32."""
    return float(np.sqrt(np.einsum("ij,ij->i", rows, rows).max(initial=0.0))) * (1 + 2.0**-11)
