"""Driver: what the file in a run's folder says of the process that makes the run now. lease.py keeps it true."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from manifests.parsing import parse_json
from manifests.storage import Folder
from pipeline.run.lease.process import Process

NAME = "_driver.json"


@dataclass(frozen=True)
class Driver:
    """Who drives a run. `renewal` counts up for as long as it lives; times are its own clock's, for people alone."""

    process: Process
    since: str
    token: str
    renewal: int = 0
    renewed: str = ""

    def renew(self) -> Driver:
        return replace(self, renewal=self.renewal + 1, renewed=_now())

    def to_bytes(self) -> bytes:
        value = {name: getattr(self, name) for name in ("since", "token", "renewal", "renewed")}
        return (json.dumps({**self.process.to_json(), **value}, indent=1) + "\n").encode()

    def __str__(self) -> str:
        return f"{self.process} since {self.since}"


def new_driver(process: Process) -> Driver:
    """A driver that begins now, told apart from every other by its token."""
    return Driver(process, _now(), secrets.token_hex(8), 0, _now())


def parsed(text: bytes | None) -> Driver | None:
    """What the file says; None where it says nothing that can be read, as one that is being written."""
    try:
        value = parse_json(text or b"")
        since, token, renewed = (str(value[name]) for name in ("since", "token", "renewed"))
        return Driver(Process.from_json(value), since, token, int(value["renewal"]), renewed)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def written(run: Folder, name: str = NAME) -> bytes | None:
    """The bytes of the file, or None where there is none."""
    try:
        return run.read(name)
    except FileNotFoundError:
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
