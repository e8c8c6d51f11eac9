"""Calibration: what a search costs on this machine, measured in a few seconds on drawn numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.search.methods.products import reaching
from stages.vectors.cosine import cosines
from stages.vectors.sketch import sketched
from stages.vectors.threads import limit_products

NEVER = 2.0  # no inner product of unit vectors reaches it
ROWS = 4096
SHORT, LONG = 32, 64


@dataclass(frozen=True)
class Rates:
    """Seconds of one worker while all workers are at work, each with one thread."""

    look: float  # for one comparison, whatever the length of its sketches
    number: float  # for one number of the sketches in one comparison
    score: float  # for one surviving pair: both cosines in float64
    sketch: float  # for one image

    def comparison(self, numbers: int) -> float:
        """Seconds for one comparison of rows of so many numbers."""
        return self.look + self.number * numbers


def calibrated(workers: int, blind_dim: int, reference_dim: int) -> Rates:
    """Measure this machine with so many workers at work together. Takes two to five seconds."""
    limit_products(1)
    random = np.random.default_rng(0)
    short, long = (_unit(random, ROWS, numbers) for numbers in (SHORT, LONG))
    blind, reference = (_unit(random, ROWS, dim) for dim in (blind_dim, reference_dim))
    pairs = random.integers(0, ROWS, (2, ROWS))
    directions = np.linalg.qr(random.standard_normal((blind_dim, min(SHORT, blind_dim))))[0].T
    each = [
        _seconds(lambda: _exhaust(short), workers) / ROWS**2,
        _seconds(lambda: _exhaust(long), workers) / ROWS**2,
        _seconds(lambda: [cosines(side, side, *pairs) for side in (blind, reference)], workers) / ROWS,
        _seconds(lambda: sketched(blind, directions), workers) / ROWS,
    ]
    number = max(each[1] - each[0], 0.1 * each[0]) / (LONG - SHORT)
    return Rates(max(each[0] - SHORT * number, 0.0), number, each[2], each[3])


def _seconds(work: Callable[[], object], workers: int, rounds: int = 3) -> float:
    """The time of one worker's work while the others do the same; the least, for other work only adds to it."""
    found = []
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(rounds):
            start = time.perf_counter()
            list(pool.map(lambda _: work(), range(workers)))
            found.append(time.perf_counter() - start)
    return min(found)


def _exhaust(rows: NDArray[np.float32]) -> None:
    for _ in reaching(rows, rows, NEVER):
        pass


def _unit(random: np.random.Generator, rows: int, numbers: int) -> NDArray[np.float32]:
    found = random.standard_normal((rows, numbers), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)
