"""Patience: what a store fails to do is asked of it again, for three quarters of a minute.

The stores' libraries try again by themselves, but not for long: botocore holds a budget of 100 retries a
process, which ten threads use up in ten seconds of answers that the store is busy. A shard's work is worth
more than that.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from manifests.stores.faults import Unreachable, may_pass, os_error

T = TypeVar("T")

PATIENCE_S = 45.0  # from the first try on; a restart of a store, or a minute's worth of throttling
FIRST_S, LONGEST_S = 0.2, 8.0  # the waits between tries, doubled each time, give or take a half


def patiently(work: Callable[[], T], url: str) -> T:
    """What `work` gives, which asks something of the store that `url` lies in, and may be done twice.

    Raises an OSError as faults.os_error says: what is true of the file or wrong with the asking (any 4xx)
    at once, Unreachable after PATIENCE_S.
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
