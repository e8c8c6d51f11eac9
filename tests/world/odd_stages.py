"""Stages that go wrong on purpose, importable by the worker processes that tests start."""

from __future__ import annotations

import errno
import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from world.processes import until

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.schema import Schema, column
from manifests.shard import Part
from stages.base import Machine, Reads, Stage, Task

NUMBERS = Schema("numbers", 1, ("number",), pa.schema([column("number", pa.int64(), "a number", nullable=False)]))


class Odd(Stage):
    """Each task's name says what becomes of it: `good-1`, `raises-1`, `dies-1`, `dies_once-1`, `hangs-1` and so on."""

    name = "odd"

    def __init__(self, scratch: Path, setup: str = "good") -> None:
        self.scratch, self._setup = str(scratch), setup

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def schema(self) -> Schema:
        return NUMBERS

    def table(self) -> tuple[str, int]:
        return NUMBERS.name, NUMBERS.version

    def plan(self, reads: Reads) -> list[Task]:
        return []

    def setup(self, machine: Machine) -> None:
        if self._setup == "refuses":
            raise Refused("the weights are missing")
        if self._setup == "dies":
            os.kill(os.getpid(), signal.SIGKILL)

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        mark = Path(self.scratch, task.name)
        kind, first = task.name.split("-")[0], not mark.exists()
        with mark.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if kind == "logs":
            logging.getLogger("odd.library").info("making %s", task.name)
        if kind == "raises":
            raise ValueError("no luck")
        if kind == "dies" or (kind == "dies_once" and first):
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "hangs" or (kind == "hangs_once" and first):
            threading.Event().wait()
        if kind == "unanswered_once" and first:
            raise TimeoutError(errno.ETIMEDOUT, "the store did not answer")
        if kind == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield Part(pa.table({"number": [1, 2]}), Counts(2, 2))


class Gradual(Odd):
    """Yields three parts, each after the file `go-N` is there."""

    gradual = True

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        for number in range(3):
            until(Path(self.scratch, f"go-{number}").exists)
            yield Part(pa.table({"number": [2 * number, 2 * number + 1]}), Counts(2, 2))


class Flaky(Odd):
    """The third set-up, that of the worker which replaces a dead one, fails: the GPU is not free yet.

    Tasks but those that die wait until the test has heard of it: it makes the file `heard`.
    """

    def setup(self, machine: Machine) -> None:
        earlier = len(list(Path(self.scratch).glob("setup-*")))
        Path(self.scratch, f"setup-{os.getpid()}").touch()
        if earlier == 2:
            raise RuntimeError("CUDA out of memory")

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        if not task.name.startswith("dies"):
            until(Path(self.scratch, "heard").exists)
        yield from super().process(task, reads)
