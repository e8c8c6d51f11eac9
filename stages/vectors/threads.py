"""Threads: how many NumPy's matrix products may use. A library that is loaded no longer reads the environment."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def limit_products(threads: int) -> None:
    """Let matrix products of this process use so many threads from now on: workers are the parallel work."""
    threadpool_limits(threads)
