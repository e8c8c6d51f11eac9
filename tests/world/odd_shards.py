"""Shards for lint whose reading goes wrong, importable by the processes that read them."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass

from manifests.stores.faults import Unreachable
from pipeline.reports.lint.tally import Tally


@dataclass(frozen=True)
class OddShard:
    """A shard at which something happens; after a Ctrl-C to the driver, and if it "waits", it is read for ever."""

    happens: str
    file: str = "odd.tar"
    size: int = 1

    def look(self, tally: Tally) -> None:
        if self.happens == "death":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.happens == "store fails":
            raise Unreachable(5, "the store failed")
        if self.happens == "Ctrl-C":
            os.kill(os.getppid(), signal.SIGINT)
        threading.Event().wait()

    def names(self) -> tuple[str, ...]:
        return ()
