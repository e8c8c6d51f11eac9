"""Threads: how many NumPy's matrix products may use. A library already loaded no longer reads the environment."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def limit_products(threads: int) -> None:
    """Let matrix products of this process use `threads` threads from now on: the workers are what runs in parallel."""
    threadpool_limits(threads)
