"""Fetching in which `timeout_s` holds for URLs that never come, and others have all the time they may need.

    with patient():                 # holds for the processes that are started meanwhile
        fetched([site.url("hang/1.jpg"), site.url("good/1.jpg")], FetchSettings(timeout_s=0.5, ...), ...)

held/sitecustomize.py puts it into those processes.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from world.processes import PATIENCE_S

from stages.download.fetch import asking
from stages.download.fetch.opt_out import OptOut
from stages.download.fetch.settings import FetchSettings

HELD = Path(__file__).with_name("held")
NEVER = re.compile(r"/(hang|drip-\w+)/")  # see world/web.py
MOST_S = 0.1


class Clock:
    """Goes on by no more than MOST_S between two looks: a process that is not run does not find its time over."""

    def __init__(self) -> None:
        self._now, self._seen = 0.0, time.monotonic()

    def __call__(self) -> float:
        before, self._seen = self._seen, time.monotonic()
        self._now += min(MOST_S, self._seen - before)
        return self._now


class Asker:
    """As the product's, which it asks."""

    def __init__(self, settings: FetchSettings, opted: OptOut) -> None:
        self._short = _ASKER(settings, opted, Clock())
        self._long = _ASKER(settings.model_copy(update={"timeout_s": PATIENCE_S}), opted)

    def ask(self, url: str) -> bytes:
        return (self._short if NEVER.search(url) else self._long).ask(url)


_ASKER = asking.Asker


def install() -> None:
    asking.Asker = Asker  # type: ignore[misc, assignment]


@contextmanager
def patient() -> Iterator[None]:
    import pytest  # here, for the processes of a test load this module

    with pytest.MonkeyPatch.context() as patch:
        paths = [str(HELD), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        patch.syspath_prepend(HELD)
        patch.setenv("BLINDPAIRS_PATIENT", "1")
        yield
