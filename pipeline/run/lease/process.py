"""Process: one process of one machine, named so that another on the same machine can tell whether it still lives.

A process number alone does not: containers number theirs alike, and a number is given again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process. The last three fields are empty where the system does not tell them, as outside Linux."""

    host: str
    number: int
    boot: str = ""  # a new one at each start of the machine
    namespace: str = ""  # in which it has this number: each container has its own
    began: str = ""  # in clock ticks since the machine's start: tells two processes of one number apart

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Process:
        return Process(*(str(value["host"]), int(value["number"])), *(str(value[name]) for name in PLACE))

    def alive(self, asker: Process) -> bool | None:
        """Whether it is alive, as far as `asker`, this process, can tell: None if it is on another machine."""
        if not self.boot or (self.host, self.boot, self.namespace) != (asker.host, asker.boot, asker.namespace):
            return None
        if self.number < 1:  # those are groups of processes
            return False
        try:
            os.kill(self.number, 0)
        except (ProcessLookupError, OverflowError):  # none has such a number
            return False
        except PermissionError:  # somebody else's, and it lives
            return True
        state, began = _state(self.number)
        return state not in ("Z", "X") and began in ("", self.began)

    def __str__(self) -> str:
        return f"process {self.number} on {self.host}"


PLACE = ("boot", "namespace", "began")


def this_process() -> Process:
    """The process that asks. To be taken for one of another machine, as tests are, replace its `host`."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = str((PROC / "self/ns/pid").readlink())
    except OSError:
        boot = namespace = ""
    return Process(socket.gethostname(), os.getpid(), boot, namespace, _state(os.getpid())[1])


def _state(number: int) -> tuple[str, str]:
    """A process's state letter and start time; both empty if they cannot be read."""
    try:
        text = (PROC / str(number) / "stat").read_text()
    except OSError:
        return "", ""
    after_name = text.rpartition(")")[2].split()  # the name may hold blanks and brackets
    return after_name[0], after_name[19]
