"""Pace: which way to multiply sketches is the faster one here. Both name the same pairs.

The first look needs torch, whose loading takes seconds, and a processor that multiplies bfloat16 by
itself. Where a tile is large enough to be worth the one, the other is measured.
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

LOADING = 10**11  # multiplications of a tile: with fewer, loading torch takes longer than is saved
MEASURING = 10**9  # the same of measuring, where torch is loaded already
GAIN = 1.2  # times as fast, at least
ROWS, CHECKED = 2048, 128  # that are timed, and those whose products are compared with float64's
NEVER = 2.0  # no inner product of unit vectors reaches it

_alone = Lock()  # threads that measured at once would measure each other


def reaching_by(comparisons: int, numbers: int, radius: float, threads: int) -> Reaching:
    """products.reaching or first_look.reaching, for so many comparisons of sketches of so many numbers."""
    least = MEASURING if "torch" in sys.modules else LOADING
    if radius < first_look.LEAST_RADIUS or comparisons * numbers < least:
        return products.reaching
    if not first_look_is_faster(numbers, threads):
        return products.reaching
    return partial(first_look.reaching, threads=threads)


def first_look_is_faster(numbers: int, threads: int) -> bool:
    """Whether it is by GAIN, with so many threads, and multiplies as its bound has it. Takes some 50 ms, once."""
    with _alone:
        return _measured(numbers, threads)


@cache
def _measured(numbers: int, threads: int) -> bool:
    rows = drawn_rows(np.random.default_rng(0), ROWS, numbers)
    if not _sums_in_float32(rows):
        return False
    return GAIN * _seconds(partial(first_look.reaching, threads=threads), rows) < _seconds(products.reaching, rows)


def drawn_rows(random: np.random.Generator, rows: int, numbers: int) -> NDArray[np.float32]:
    """(rows, numbers) drawn rows of unit length."""
    found = random.standard_normal((rows, numbers), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _sums_in_float32(rows: NDArray[np.float32]) -> bool:
    there = first_look.Rounded(rows[:CHECKED]).rows
    return is_nearest(there @ there.T, there, there)


def is_nearest(product: Any, x: Any, y: Any) -> bool:
    """Whether a bfloat16 product (n, m) of (n, k) and (m, k) is that of float64 but for one rounding to nearest."""
    exact = x.double() @ y.double().T
    return bool(((product.double() - exact).abs() <= exact.abs() * 2.0**-8 + slack(4 * x.shape[1])).all())


def _seconds(reaching: Reaching, rows: NDArray[np.float32], rounds: int = 3) -> float:
    """The least of a few, for other work only adds to it."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        deque(reaching(rows, rows, NEVER, False), maxlen=0)
        found.append(time.perf_counter() - began)
    return min(found)
