"""Ordered: run work in threads and return its results in the order it was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, wait
from itertools import islice
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def in_order(pool: Executor, work: Callable[[Given], Made], things: Iterable[Given], ahead: int) -> Generator[Made]:
    """Yield `work(thing)` for each thing, in order; at most `ahead` (1 or more) are in progress or waiting at once.

    If the generator is closed early, by the caller or by an error, it drops waiting work and waits for running work.
    """
    waiting: deque[Future[Made]] = deque()
    remaining = iter(things)
    try:
        waiting.extend(pool.submit(work, thing) for thing in islice(remaining, ahead))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(work, thing) for thing in islice(remaining, 1))
    finally:
        wait([future for future in waiting if not future.cancel()])
