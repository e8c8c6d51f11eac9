"""Driver: what the lease file in a run's folder says of the process driving it. lease.py keeps it current."""

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
    """The process driving a run. `renewal` counts up while it lives; times are by its own clock, for people only."""

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
    """A driver that starts now, distinguished from every other by its token."""
    return Driver(process, _now(), secrets.token_hex(8), 0, _now())


def parsed(text: bytes | None) -> Driver | None:
    """What the file says; None if it cannot be read, for example while it is being written."""
    try:
        value = parse_json(text or b"")
        since, token, renewed = (str(value[name]) for name in ("since", "token", "renewed"))
        return Driver(Process.from_json(value), since, token, int(value["renewal"]), renewed)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def written(run: Folder, name: str = NAME) -> bytes | None:
    """The bytes of the file, or None if there is none."""
    try:
        return run.read(name)
    except FileNotFoundError:
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
