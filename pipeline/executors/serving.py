"""Serving: the messages between a worker and its driver, over a pipe or as a Ray actor.

It says hello once, then answers one message after another: `Prepare` sets a stage up, a task makes
a shard. Over a pipe it may say meanwhile how far it is with a task. A process may serve several steps,
one after the other.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from manifests.errors import Refused
from pipeline.executors import machine
from pipeline.executors.arrow import leave_pandas_out
from pipeline.executors.gpu_use import GpuUse
from pipeline.executors.identity import identity
from pipeline.executors.worker import InProgress, Job, Outcome, Worker, here, one_line
from stages.base import Machine, Task

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h


@dataclass(frozen=True)
class Hello:
    """A worker has started: which process, on which machine (as its executor names machines), running which code."""

    where: str
    machine: str
    identity: str


@dataclass(frozen=True)
class Prepare:
    """Set up the stage of this job."""

    job: Job
    machine: Machine


@dataclass(frozen=True)
class Ready:
    """The stage is set up."""


@dataclass(frozen=True)
class SetupFailed:
    """The stage could not be set up; `refused`: the request itself was wrong."""

    error: str
    refused: bool


Answer = Hello | Ready | SetupFailed | Outcome


class Serving:
    """The worker's side of the conversation."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._gpus: list[str] = []

    def hello(self, machine: str) -> Hello:
        return Hello(here(), machine, identity())

    def answer(self, message: Prepare | Task, said: Callable[[InProgress], None] | None = None) -> Answer:
        """Do what the message asks; `said` hears meanwhile how far it is."""
        if isinstance(message, Prepare):
            return self._prepared(message)
        assert self._worker is not None, "a driver prepares its workers first"
        with GpuUse(self._gpus) as use:
            outcome = self._worker.run(message, said)
        return replace(outcome, gpu_use=use.percent)

    def _prepared(self, message: Prepare) -> Ready | SetupFailed:
        self._worker, self._gpus = None, machine.gpus() if message.machine.device == "cuda" else []
        gc.collect()  # the models of the step before go before those of this one come
        try:
            self._worker = Worker(message.job, message.machine)
        except Exception as error:  # noqa: BLE001 - told to the driver, which raises it
            return SetupFailed(f"{message.job.stage.name}: {one_line(error)}", isinstance(error, Refused))
        return Ready()


def limit_libraries(threads: int, gpus: Sequence[str] | None = None) -> None:
    """Limit threads and visible GPUs before any library loads (`gpus` None: unchanged)."""
    if gpus is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    for library in ("OMP", "MKL", "OPENBLAS"):  # decoding threads compute too
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    leave_pandas_out()
    if not machine.gpus():
        _keep_what_is_freed()


def _keep_what_is_freed() -> None:
    """Let glibc keep up to 256 MiB of freed memory, in one arena, where each image would take it from the kernel anew.

    A network's activations are megabytes: page by page fetched and cleared, they were a third of the time of a
    small one on a CPU (29 ms an image, 20 ms without). Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for option, value in ((M_ARENA_MAX, 1), (M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 256 << 20)):
            mallopt(option, value)
