"""Local worker: what runs inside a process that local_executor.py starts."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

from manifests.errors import Refused
from pipeline.worker import Job, Worker, one_line
from stages.base import Machine


@dataclass(frozen=True)
class Ready:
    """The stage is set up."""


@dataclass(frozen=True)
class SetupFailed:
    """The stage could not be set up; `refused`: because of what was asked."""

    error: str
    refused: bool


def serve(line: Connection, job: Job, machine: Machine, gpus: tuple[str, ...]) -> None:
    """Set the stage up, then make the tasks that come down the line until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to answer
    threading.Thread(target=_end_with_driver, daemon=True).start()
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    for library in ("OMP", "MKL", "OPENBLAS"):  # set before any of them loads: decoding threads compute too
        os.environ[f"{library}_NUM_THREADS"] = str(machine.threads)
    try:
        worker = Worker(job, machine)
    except Exception as error:  # noqa: BLE001 - told to the driver, which raises it
        line.send(SetupFailed(f"{job.stage.name}: {one_line(error)}", isinstance(error, Refused)))
        return
    line.send(Ready())
    while True:
        try:
            task = line.recv()
        except EOFError:
            return
        line.send(worker.run(task))


def _end_with_driver() -> None:
    """End this process when its driver is gone, even by kill -9: a shard is whole or absent all the same."""
    driver = parent_process()
    assert driver is not None
    wait([driver.sentinel])
    os._exit(1)
