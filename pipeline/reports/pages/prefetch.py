"""Prefetch: make items that wait for a disk or a store some ahead of their consumer, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 8  # an image from a store takes some 0.1 s of waiting
WAITING = 16  # items made and not yet consumed, or being made


def ahead(make: Callable[[int], T], count: int) -> Iterator[T]:
    """Yield `make(0)` to `make(count - 1)`, in this order. Raises what the first failing call raises."""
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="ahead")
    try:
        for place in range(count + WAITING):
            if place < count:
                waiting.append(pool.submit(make, place))
            if place >= WAITING and waiting:
                yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
