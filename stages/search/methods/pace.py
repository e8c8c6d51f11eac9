"""Pace: which of two ways to multiply sketches is faster on this machine. Both find the same pairs.

The first look needs torch, which takes seconds to load, and a processor with native bfloat16 multiplication.
If a tile is large enough to be worth loading torch, the processor's speed is measured.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache, partial
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.search.methods import first_look, products
from stages.search.methods.base import Places
from stages.vectors.cosine import slack

Reaching = Callable[[NDArray[np.float32], NDArray[np.float32], float, bool], Iterator[Places]]

LOADING = 10**11  # multiplications in a tile: with fewer, loading torch takes longer than it saves
MEASURING = 10**9  # the same limit for measuring, if torch is already loaded
GAIN = 1.2  # minimum speedup
ROWS, CHECKED = 2048, 128  # rows that are timed, and rows whose products are compared with float64's
NEVER = 2.0  # no inner product of unit vectors reaches it

_alone = Lock()  # threads that measured at the same time would slow each other down


def reaching_by(comparisons: int, numbers: int, radius: float, threads: int) -> Reaching:
    """Return products.reaching or first_look.reaching, for this many comparisons of sketches of length `numbers`."""
    least = MEASURING if "torch" in sys.modules else LOADING
    if radius < first_look.LEAST_RADIUS or comparisons * numbers < least:
        return products.reaching
    if not first_look_is_faster(numbers, threads):
        return products.reaching
    return partial(first_look.reaching, threads=threads)


def first_look_is_faster(numbers: int, threads: int) -> bool:
    """Whether it is faster by GAIN with this many threads and meets its error bound. Takes about 50 ms, once."""
    with _alone:
        return _measured(numbers, threads)


@cache
def _measured(numbers: int, threads: int) -> bool:
    rows = drawn_rows(np.random.default_rng(0), ROWS, numbers)
    if not _sums_in_float32(rows):
        return False
    return GAIN * _seconds(partial(first_look.reaching, threads=threads), rows) < _seconds(products.reaching, rows)


def drawn_rows(random: np.random.Generator, rows: int, numbers: int) -> NDArray[np.float32]:
    """Draw random rows of unit length, (rows, numbers)."""
    found = random.standard_normal((rows, numbers), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _sums_in_float32(rows: NDArray[np.float32]) -> bool:
    there = first_look.Rounded(rows[:CHECKED]).rows
    return is_nearest(there @ there.T, there, there)


def is_nearest(product: Any, x: Any, y: Any) -> bool:
    """Whether a bfloat16 product (n, m) of (n, k) and (m, k) equals float64's up to one rounding to nearest."""
    exact = x.double() @ y.double().T
    return bool(((product.double() - exact).abs() <= exact.abs() * 2.0**-8 + slack(4 * x.shape[1])).all())


def _seconds(reaching: Reaching, rows: NDArray[np.float32], rounds: int = 3) -> float:
    """Time a few rounds and return the minimum, because other load only adds to it."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        deque(reaching(rows, rows, NEVER, False), maxlen=0)
        found.append(time.perf_counter() - began)
    return min(found)
