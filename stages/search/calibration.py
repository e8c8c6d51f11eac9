"""Calibration: what a search costs on this machine, measured in a few seconds on random numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from stages.search.methods import products
from stages.search.methods.pace import NEVER, Reaching, drawn_rows
from stages.vectors.cosine import cosines
from stages.vectors.sketch import sketched
from stages.vectors.threads import limit_products

ROWS = 4096
DIRECTIONS = 32  # used by the sketches that are timed


@dataclass(frozen=True)
class Rates:
    """Seconds that one worker takes while all workers are busy, each with one thread."""

    sketches: float  # for one comparison of two sketches
    vectors: float  # for one comparison of two full blind vectors
    score: float  # for one surviving pair: both cosines in float64
    sketch: float  # for one image


def calibrated(workers: int, dims: tuple[int, int], numbers: int, reaching: Reaching) -> Rates:
    """Measure this machine with the given number of workers running at once. Takes three to six seconds.

    `dims`: lengths of the blind and the reference vectors. `numbers`: length of a sketch. `reaching` compares sketches.
    """
    limit_products(1)
    random = np.random.default_rng(0)
    blind, reference = (drawn_rows(random, ROWS, dim) for dim in dims)
    sketches, pairs = drawn_rows(random, ROWS, numbers), random.integers(0, ROWS, (2, ROWS))
    directions = np.linalg.qr(random.standard_normal((dims[0], min(DIRECTIONS, dims[0]))))[0].T
    return Rates(
        sketches=_seconds(lambda: list(reaching(sketches, sketches, NEVER, False)), workers) / ROWS**2,
        vectors=_seconds(lambda: list(products.reaching(blind, blind, NEVER)), workers) / ROWS**2,
        score=_seconds(lambda: [cosines(side, side, *pairs) for side in (blind, reference)], workers) / ROWS,
        sketch=_seconds(lambda: sketched(blind, directions), workers) / ROWS,
    )


def _seconds(work: Callable[[], object], workers: int, rounds: int = 3) -> float:
    """Time one worker's work while the others do the same; the minimum, because other load only adds to it."""
    found = []
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(rounds):
            start = time.perf_counter()
            list(pool.map(lambda _: work(), range(workers)))
            found.append(time.perf_counter() - start)
    return min(found)
