"""Exact on a GPU: the same bound, in float16 with float32 sums, by the fused kernel (kernel.py).

Rounding the sketches to float16 is part of the bound (stages/vectors/sketch.py, `in_half`); the possible error
of the tensor cores' sums is subtracted from the floor. If more places in a region reach it than the buffer has
room for, the region is halved and processed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.search.methods.base import Places
from stages.search.settings import SearchSettings
from stages.search.side import Side
from stages.vectors.cosine import slack
from stages.vectors.sketch import in_half

ROOM = 1 << 24  # places found in one region, at most: 128 MB
REGION = 1 << 18  # rows of one region on each side
MULTIPLE = 32  # row lengths are a multiple of this, for the tensor cores


class ExactGpu:
    """Reads only sketches; on a GPU."""

    def __init__(self, device: str, room: int = ROOM, region: int = REGION) -> None:
        self._device, self._room, self._region = device, room, region

    def near(self, left: Side, right: Side, settings: SearchSettings) -> Iterator[Places]:
        """See Method.near."""
        x = self.there(left.sketches)
        y = x if left is right else self.there(right.sketches)
        return self.regions(x, y, settings.min_cosine - half_slack(x.shape[1]), left is right)

    def regions(self, x: Any, y: Any, radius: float, diagonal: bool) -> Iterator[Places]:
        """Yield (i, j) with x[i] . y[j] >= radius, for rows on the device (see `there`); region by region."""
        for top in range(0, len(x), self._region):
            for edge in range(top if diagonal else 0, len(y), self._region):
                rows, columns = x[top : top + self._region], y[edge : edge + self._region]
                for i, j in self._reaching(rows, columns, radius, diagonal and top == edge):
                    yield i + top, j + edge

    def there(self, sketches: NDArray[np.float32]) -> Any:
        """Return the sketches in float16 on the device, padded with zeros to a multiple of 32 numbers."""
        import torch

        half = in_half(sketches)
        filled = np.zeros((len(half), -(-half.shape[1] // MULTIPLE) * MULTIPLE), np.float16)
        filled[:, : half.shape[1]] = half
        return torch.from_numpy(filled).to(self._device)

    def _reaching(self, x: Any, y: Any, radius: float, diagonal: bool) -> Iterator[Places]:
        """Yield (i, j) of one region, which is halved along its longer side if there is too little room."""
        found = self._written(x, y, radius, diagonal)
        if found is not None:
            yield found[:, 0], found[:, 1]
            return
        rows, columns = _halves(len(x), len(y), diagonal)
        for top, bottom in rows:
            for edge, last in columns:
                if not diagonal or last > top:
                    for i, j in self._reaching(x[top:bottom], y[edge:last], radius, diagonal and top == edge):
                        yield i + top, j + edge

    def _written(self, x: Any, y: Any, radius: float, diagonal: bool) -> NDArray[np.int64] | None:
        """Run the kernel and return the pairs it wrote, (places, 2), or None if there was too little room."""
        import torch
        import triton

        from stages.search.methods.kernel import BLOCK, STEP, TOGETHER, write_reaching

        found = torch.empty((self._room, 2), dtype=torch.int32, device=self._device)
        count = torch.zeros(1, dtype=torch.int64, device=self._device)
        grid = (triton.cdiv(len(x), BLOCK) * triton.cdiv(len(y), BLOCK),)
        sizes = (len(x), len(y), radius, self._room)
        write_reaching[grid](x, y, found, count, *sizes, diagonal, x.shape[1], STEP, BLOCK, TOGETHER)
        written = int(count.item())
        return None if written > self._room else found[:written].cpu().numpy().astype(np.int64)


def half_slack(length: int) -> float:
    """Bound the error of an inner product of `length` float16 numbers: products are exact in float32, sums truncated.

    A truncated sum has up to twice the error of a rounded one; this allows four times that of float32 (cosine.py).
    """
    return slack(4 * length)


def _halves(rows: int, columns: int, diagonal: bool) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return both halves of the longer side and all of the other side; for a diagonal region, both halves of both."""
    top, edge = -(-rows // 2), -(-columns // 2)
    halves = [(0, top), (top, rows)], [(0, edge), (edge, columns)]
    if diagonal:
        return halves
    return (halves[0], [(0, columns)]) if rows >= columns else ([(0, rows)], halves[1])
