"""Verbose: `--verbose` for a while, with what it sets in the test's process taken back."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.executors.logs import OWN_LEVELS, VERBOSE


@contextmanager
def logs_restored() -> Iterator[None]:
    """Whatever is set within about logs is as before at the end."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    before = {name: os.environ.get(name) for name in (VERBOSE, *OWN_LEVELS)}
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({} if value is None else {name: value})
