"""Choice: the executor that `--ray` names. Ray itself is loaded only if it is asked for."""

from __future__ import annotations

import os

from pipeline.executors.executor import Executor
from pipeline.executors.local_executor import LocalExecutor

OFF, LOCAL = "off", "local"


def executor_for(ray: str | None) -> Executor:
    """`off`: processes of this machine. `local`: a private Ray. Else a cluster's address (or `auto`).

    None: the cluster that this process is a job of (RAY_ADDRESS), else `off`.
    """
    ray = ray or _of_this_job() or OFF
    if ray == OFF:
        return LocalExecutor()
    from pipeline.executors.ray_executor import RayExecutor

    return RayExecutor(None if ray == LOCAL else ray)


def _of_this_job() -> str:
    """The cluster's address; a URL there is where `ray job submit` finds its dashboard, and no job's."""
    named = os.environ.get("RAY_ADDRESS", "")
    return "" if named.startswith(("http://", "https://")) else named
