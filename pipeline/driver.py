"""Driver: at most one process makes a run's manifests at a time.

The lock is the operating system's (flock), so it goes with the process however it ends. It holds on
a local disk; a run in a bucket is not locked.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from manifests.errors import Refused
from manifests.storage import Folder

NAME = "_driver.json"


@contextmanager
def driving(run: Folder) -> Iterator[None]:
    """Be the run's one driver. Raises Refused, naming the other's host, process and time."""
    if (path := run.local) is None:
        yield
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
        file = (path / NAME).open("a+")
    except OSError as error:
        raise Refused(f"{run.url} cannot be written: {error.strerror}; choose another --root") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused(f"{run.url} is being made by {_named(file.read())}; wait for it, or stop it") from None
        file.truncate(0)
        file.write(json.dumps(_me()))
        file.flush()
        yield


def _me() -> dict[str, str | int]:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"host": socket.gethostname(), "process": os.getpid(), "since": since}


def _named(text: str) -> str:
    try:
        other = json.loads(text)
        return f"process {other['process']} on {other['host']} since {other['since']}"
    except (ValueError, KeyError):
        return "another process"
