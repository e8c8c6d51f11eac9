"""Events: the log of a run, a JSON object a line, in `_events/` of the run's folder, one file (or more) a driver.

On a disk each event is appended and flushed as it happens. In a bucket nothing can be appended: the
whole file is put again every few seconds, and another begun when it is large.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

from manifests.parsing import parse_json
from manifests.storage import Folder

EVENTS = "_events"
SUFFIX = ".jsonl"
STAMP = "%Y%m%dT%H%M%S.%fZ"  # a log's name begins so: names sort in the order of the drivers
FULL = 1 << 20  # bytes after which another file is begun
PUT_EVERY_S, FULL_PUT_EVERY_S = 2.0, 10.0  # an empty file, and a full one: the larger, the seldomer
LAST_PUT_S = 60.0
# what a reader takes for granted of an event, where it has these; a line that says otherwise is no event
NUMBER = (int, float)
FIELDS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("event", "time", "run", "step", "fingerprint", "unit", "error", "why", "how"), str),
    **dict.fromkeys(("task", "where"), (str, type(None))),
    **dict.fromkeys(("rejected", "aside"), dict),
    "steps": list,
    **dict.fromkeys(("seconds", "tasks", "there", "gpu_use", "seen", "ok"), NUMBER),
}

Event = Mapping[str, Any]


class EventLog:
    """Write one driver's events. It never fails: the first problem is passed to `trouble`, once, as a sentence."""

    def __init__(self, run: Folder, token: str, trouble: Callable[[str], None]) -> None:
        self._folder, self._trouble, self._run = run / EVENTS, trouble, run.name
        stem = f"{_after_all(self._folder):{STAMP}}-{token}"
        self._writer: _OnDisk | _InBucket
        self._writer = _OnDisk(self._folder, stem) if run.local else _InBucket(self._folder, stem, self._told)
        self._failed = False

    def write(self, event: str, **facts: Any) -> None:
        """Add one event; its time is this machine's, UTC."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": now, "run": self._run, "event": event, **facts}, separators=(",", ":")) + "\n"
        try:
            self._writer.add(line.encode())
        except Exception as error:  # noqa: BLE001 - a log must never fail a run; the stores' libraries raise anything
            self._told(error)

    def close(self) -> None:
        try:
            self._writer.close()
        except Exception as error:  # noqa: BLE001 - as above
            self._told(error)

    def _told(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            why = " ".join(str(error).split()) or type(error).__name__
            self._trouble(f"the events of this run cannot be written to {self._folder.url} ({why}); it goes on without")


def _after_all(folder: Folder) -> datetime:
    """Return the time now, or just after the newest log there if that is later.

    The lease's holder writes its log after all others, though an earlier holder's clock may have been ahead.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    with suppress(Exception):  # a log must never fail a run; the first write says what is wrong
        for name in sorted(folder.sizes(), reverse=True):
            with suppress(ValueError, OverflowError):
                return max(now, datetime.strptime(name.partition("-")[0], STAMP) + timedelta(microseconds=1))
    return now


class _OnDisk:
    """Appends."""

    def __init__(self, folder: Folder, stem: str) -> None:
        assert folder.local is not None
        self._folder: Path = folder.local
        self._path = self._folder / f"{stem}{SUFFIX}"

    def add(self, line: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab", buffering=0) as file:  # opened anew: a log that was full may have room by now
            file.write(line)

    def close(self) -> None:
        """Nothing is held open."""


class _InBucket:
    """Puts the whole file again, from a thread: a store that answers slowly does not hold up the run."""

    def __init__(self, folder: Folder, stem: str, trouble: Callable[[Exception], None]) -> None:
        self._folder, self._stem, self._trouble = folder, stem, trouble
        self._part, self._lines, self._put = 0, bytearray(), 0
        self._turn, self._ended = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._keep_putting, name="events", daemon=True)

    def add(self, line: bytes) -> None:
        with self._turn:
            self._lines += line
        if self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=LAST_PUT_S)
        if self._thread.is_alive():
            raise TimeoutError(f"the store did not answer for {LAST_PUT_S:g} s")
        self._put_again()

    def _keep_putting(self) -> None:
        wait_s = PUT_EVERY_S
        while not self._ended.wait(wait_s):
            try:
                size = self._put_again()
            except Exception as error:  # noqa: BLE001 - told; the next time it may go
                self._trouble(error)
                continue
            wait_s = PUT_EVERY_S + (FULL_PUT_EVERY_S - PUT_EVERY_S) * min(1.0, size / FULL)

    def _put_again(self) -> int:
        """Put the file if there is news; its bytes. Where it is full the next event begins another."""
        with self._turn:
            lines = bytes(self._lines)
        if len(lines) > self._put:
            self._folder.write(f"{self._stem}-{self._part:04d}{SUFFIX}", lines)
            self._put = len(lines)
        if len(lines) < FULL:
            return len(lines)
        with self._turn:
            del self._lines[: len(lines)]
        self._part, self._put = self._part + 1, 0
        return 0


def read_events(run: Folder) -> Iterator[list[Event]]:
    """The events of a run, a list for each driver, in the order they began.

    A line that is not whole, as a killed driver leaves one, or that is no event, is passed over.
    """
    folder = run / EVENTS
    drives: dict[str, list[Event]] = {}
    for name in sorted(name for name in folder.sizes() if name.endswith(SUFFIX)):
        with suppress(FileNotFoundError):  # a person removed it just now
            drive = "-".join(name.removesuffix(SUFFIX).split("-")[:2])
            drives.setdefault(drive, []).extend(_events(folder.read(name)))
    yield from drives.values()


def _events(data: bytes) -> Iterator[Event]:
    for line in data.splitlines():
        with suppress(ValueError):
            value = parse_json(line)
            if isinstance(value, dict) and "event" in value and all(map(_is_sound, value.items())):
                yield value


def _is_sound(field: tuple[str, Any]) -> bool:
    name, value = field
    return isinstance(value, FIELDS.get(name, object)) and not (isinstance(value, float) and not isfinite(value))
