"""Journal: what became of each URL, recorded before it is passed on, so that nothing is fetched twice.

An entry is a line of JSON and then `length` bytes, the image as served. Entries are appended by one write each
and not synced: they survive the death of the process, which is their purpose, and cost no wait. A torn last
entry is removed by the next process that opens the file.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import IO

from manifests.parsing import parse_json
from manifests.tables import OK

ASIDE = ".kept"


@dataclass(frozen=True)
class Outcome:
    """What became of a URL: if it is ok, `length` bytes of an image at `offset` of the journal."""

    url: str
    status: str
    error: str | None
    sha256: str | None
    asked_at: str  # UTC, ISO, to the second
    length: int = 0
    offset: int = 0


class Journal:
    """The journal of one process; a second waits until the first is gone. `known`: outcomes of earlier ones."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # a process killed a moment ago may still be writing
        with open(path, "rb") as file:
            entries = list(_entries(file))
        self._end = entries[-1].offset + entries[-1].length if entries else 0
        os.ftruncate(self._file, self._end)
        self.known = {entry.url: entry for entry in entries}
        self._lock = Lock()

    def add(self, outcome: Outcome, data: bytes) -> None:
        """Append an outcome. Raises OSError if the disk does not take it, and leaves no part of it."""
        head = _line(outcome)
        with self._lock:
            try:
                left = len(head) + len(data) - os.writev(self._file, [head, data])
                while left:  # a nearly full disk takes a part, and the next write reports it
                    left -= os.write(self._file, (head + data)[-left:])
            except OSError:
                os.ftruncate(self._file, self._end)
                raise
            self._end += len(head) + len(data)

    def data(self, outcome: Outcome) -> bytes | None:
        """Return the bytes of an outcome that was known at the start; None if they are not those that were written."""
        data = os.pread(self._file, outcome.length, outcome.offset)
        return data if outcome.status != OK or hashlib.sha256(data).hexdigest() == outcome.sha256 else None

    def close(self) -> None:
        os.close(self._file)


def keep_fetched(path: Path) -> None:
    """Keep only the images in the journal at `path`, so that everything else is requested again."""
    aside = path.with_name(path.name + ASIDE)
    with open(path, "rb") as file, open(aside, "wb") as kept:
        for entry in [entry for entry in _entries(file) if entry.status == OK]:
            file.seek(entry.offset)
            kept.write(_line(entry))
            kept.write(file.read(entry.length))
    os.replace(aside, path)


def _line(outcome: Outcome) -> bytes:
    values = asdict(replace(outcome, offset=0))
    del values["offset"]  # known from its position
    return json.dumps(values).encode() + b"\n"


def _entries(file: IO[bytes]) -> Iterator[Outcome]:
    """Yield every complete entry, up to the first that is torn."""
    size = os.fstat(file.fileno()).st_size
    while line := file.readline():
        try:
            entry = Outcome(**parse_json(line), offset=file.tell())
        except (ValueError, TypeError):
            return
        if not line.endswith(b"\n") or entry.offset + entry.length > size:
            return
        yield entry
        file.seek(entry.offset + entry.length)
