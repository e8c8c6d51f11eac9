"""Logs: what the libraries log from level INFO, on stderr, where `--verbose` asks for it; in workers too.

INFO and not DEBUG, at which libraries log the headers of requests, and with them secrets.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from stages.text import plain, without_secrets

VERBOSE = "BLINDPAIRS_VERBOSE"  # an environment variable, so that processes started later know it too
OWN_LEVELS = ("TRANSFORMERS_VERBOSITY", "HF_HUB_VERBOSITY")  # these two print their own logs, at a level of their own


def show_logs() -> None:
    """Print the logs of this process and of the workers that it will start. Twice is the same as once."""
    os.environ[VERBOSE] = "1"
    for name in OWN_LEVELS:
        os.environ.setdefault(name, "info")
    root = logging.getLogger()
    if not any(isinstance(handler, LogHandler) for handler in root.handlers):
        root.addHandler(LogHandler())
    root.setLevel(logging.INFO)


def is_verbose() -> bool:
    """Whether logs are shown: in this process by `show_logs`, or in the one that started it."""
    return VERBOSE in os.environ


@contextmanager
def hushed() -> Iterator[None]:
    """Hide what is written to stderr not by Python but by a library in C++, such as Ray's; not if logs are shown."""
    if is_verbose():
        yield
        return
    sys.stderr.flush()
    before = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)


class LogHandler(logging.StreamHandler[TextIO]):
    """Prints each record as plain text without secrets, on what `sys.stderr` then is; further lines are indented."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))

    def format(self, record: logging.LogRecord) -> str:
        return "\n  ".join(plain(without_secrets(line)) for line in super().format(record).split("\n"))

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)
