"""Executors: which one `--ray` names. Ray itself is loaded only where it is asked for."""

from __future__ import annotations

import os

from pipeline.work.executor import Executor
from pipeline.work.local_executor import LocalExecutor

OFF, LOCAL = "off", "local"


def executor_for(ray: str | None) -> Executor:
    """`off`: processes of this machine. `local`: a private Ray. Else a cluster's address (or `auto`).

    None: the cluster that this process is a job of (RAY_ADDRESS), else `off`.
    """
    ray = ray or os.environ.get("RAY_ADDRESS") or OFF
    if ray == OFF:
        return LocalExecutor()
    from pipeline.work.ray_executor import RayExecutor

    return RayExecutor(None if ray == LOCAL else ray)
