"""Kernel: the threshold test fused into the matrix product, in Triton. No product is ever written to GPU memory.

One program computes one BLOCK x BLOCK product in float32 from float16 rows on the tensor cores and writes only
the places that reach the radius: if they are few, the arithmetic is the only cost. Programs are numbered so that
those running together share rows in the cache (Triton's matrix multiplication tutorial).
"""

from __future__ import annotations

import triton
import triton.language as tl

BLOCK = 128
STEP = 32  # numbers of a row multiplied at a time
TOGETHER = 16  # rows of blocks that run together


@triton.jit
def write_reaching(
    left,  # (n, K) float16, rows contiguous
    right,  # (m, K) float16
    found,  # (capacity, 2) int32: places written, in no order
    count,  # (1,) int64: how many there were, including those beyond the capacity
    n,
    m,
    radius,
    capacity,
    diagonal: tl.constexpr,  # both are the same rows: only i < j
    K: tl.constexpr,  # a multiple of STEP
    STEP: tl.constexpr,
    BLOCK: tl.constexpr,
    TOGETHER: tl.constexpr,
) -> None:
    """Write every (i, j) with left[i] . right[j] >= radius."""
    down, across = tl.cdiv(n, BLOCK), tl.cdiv(m, BLOCK)
    number = tl.program_id(0)
    first = number // (TOGETHER * across) * TOGETHER
    height = tl.minimum(down - first, TOGETHER)
    inside = number % (TOGETHER * across)
    row, column = first + inside % height, inside // height
    if (not diagonal) or (column >= row):
        i = row * BLOCK + tl.arange(0, BLOCK)
        j = column * BLOCK + tl.arange(0, BLOCK)
        product = tl.zeros((BLOCK, BLOCK), tl.float32)
        for start in tl.static_range(0, K, STEP):
            k = start + tl.arange(0, STEP)
            x = tl.load(left + i[:, None].to(tl.int64) * K + k[None, :], mask=(i < n)[:, None], other=0.0)
            y = tl.load(right + j[:, None].to(tl.int64) * K + k[None, :], mask=(j < m)[:, None], other=0.0)
            product = tl.dot(x, tl.trans(y), product)
        reaches = (product >= radius) & (i < n)[:, None] & (j < m)[None, :]
        if diagonal:
            reaches = reaches & (i[:, None] < j[None, :])
        if tl.sum(reaches.to(tl.int32)) > 0:
            one = reaches.to(tl.int64)
            place = tl.atomic_add(count + tl.zeros_like(one), one, mask=reaches)
            written = reaches & (place < capacity)
            tl.store(found + place * 2, i[:, None] + tl.zeros_like(product).to(tl.int32), mask=written)
            tl.store(found + place * 2 + 1, j[None, :] + tl.zeros_like(product).to(tl.int32), mask=written)
