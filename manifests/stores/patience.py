"""Patience: retry failed requests to a store for three quarters of a minute.

The stores' libraries retry by themselves, but not for long: botocore has a budget of 100 retries per process,
which ten threads use up in ten seconds while the store answers that it is busy. A shard's work is worth more
than that.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from manifests.stores.faults import Unreachable, may_pass, os_error

T = TypeVar("T")

PATIENCE_S = 45.0  # from the first try; enough for a store's restart, or a minute's worth of throttling
FIRST_S, LONGEST_S = 0.2, 8.0  # the waits between tries, doubled each time, plus or minus half


def patiently(work: Callable[[], T], url: str) -> T:
    """Return the result of `work`, a request to the store of `url` that may safely be repeated.

    Raises an OSError as faults.os_error does: at once for errors about the file or in the request (most 4xx),
    Unreachable after PATIENCE_S.
    """
    began, wait = time.monotonic(), FIRST_S
    while True:
        try:
            return work()
        except Exception as error:
            told = os_error(error, url)
            late = time.monotonic() - began > PATIENCE_S
            if late or not isinstance(told, Unreachable) or not may_pass(error):
                raise told from error
        time.sleep(wait * random.uniform(0.5, 1.5))
        wait = min(2 * wait, LONGEST_S)
