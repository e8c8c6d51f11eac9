"""Clock: time and chance as retries use them, which tests replace."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event


def _wait(stopped: Event, seconds: float) -> None:
    stopped.wait(seconds)


@dataclass(frozen=True)
class Clock:
    """`now`: seconds that only grow; `wait`: for so many seconds, or until stopped; `chance`: drawn from 0 to 1."""

    now: Callable[[], float] = time.monotonic
    wait: Callable[[Event, float], None] = _wait
    chance: Callable[[], float] = random.random
