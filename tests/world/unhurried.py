"""The command line, `python -m world.unhurried WORDS`, on a machine that may be as slow as it likes.

It is `python -m pipeline.cli.app` without the limits by which that one gives a person an answer soon: how long a store
and a Ray may take to answer, and how long a plan may measure. Tests of those limits start the command itself. Nor does
it or a worker of it wait until a disk has what was written.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from world.processes import PATIENCE_S

os.fsync = lambda file: None  # a kill is no loss of power


class SlowTime:
    """The module `time` for Ray's start, which gives a private Ray 30 s of it and cannot be told otherwise."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def monotonic(self) -> float:
        return time.monotonic() * 30 / PATIENCE_S


def raise_limits(words: Sequence[str]) -> None:
    """Of what these words use alone: to load the others takes seconds."""
    if any("s3://" in word for word in words):
        from manifests.stores import places, reach

        reach.WITHIN_S = PATIENCE_S
        places.QUICK |= {"connect_timeout": PATIENCE_S, "read_timeout": PATIENCE_S}
    if "--ray" in words or "RAY_ADDRESS" in os.environ:
        from ray._private import node

        from pipeline.executors import cluster

        cluster.CONNECT_S = PATIENCE_S
        node.time = SlowTime()
    if words[:1] == ["plan"]:
        from pipeline.plan import planning

        planning.rehearsed = partial(planning.rehearsed, limit_s=PATIENCE_S)


if __name__ == "__main__":
    raise_limits(sys.argv[1:])
    runpy.run_module("pipeline.cli.app", run_name="__main__", alter_sys=True)
