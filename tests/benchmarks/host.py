"""The machine of a benchmark: what it is, and an environment in which every library knows its processor."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil
from threadpoolctl import threadpool_info

TESTS = Path(__file__).parents[1]
CPUS = Path("/proc/cpuinfo")


def machine(threads: int) -> dict[str, object]:
    """Processor, cores, and the threads that were used."""
    lines = CPUS.read_text().splitlines() if CPUS.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return {"cpu": names[0] if names else platform.machine(), "cores": psutil.cpu_count(), "threads": threads}


def environment() -> dict[str, str]:
    """For children that import from the project and its tests.

    FAISS's wheel holds an OpenBLAS of 2021, which takes processors it has never heard of for those of 2004 and is
    three times as slow for it; it is told what NumPy's newer one knows.
    """
    import numpy  # noqa: F401 - its OpenBLAS is there when it is loaded

    known = [one["architecture"] for one in threadpool_info() if "numpy" in one["filepath"] and "architecture" in one]
    told = {"OPENBLAS_CORETYPE": known[0]} if known else {}
    return {**os.environ, **told, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
