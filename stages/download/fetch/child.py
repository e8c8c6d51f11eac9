"""Child: the process that fetches one list of URLs: `python -m stages.download.fetch.child`.

Its job comes as one line of JSON on stdin, which then stays open: when stdin ends, the parent is gone, and this
process exits at once. It leaves img2dataset's files and OUTCOMES in the job's folder, and exits with 0; with the
number of an operating system error if this machine lacked something (disk, memory); otherwise with 1.
"""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import select
import signal
import sys
import traceback
import urllib.request
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from typing import TextIO

from stages import images
from stages.download.fetch import engine
from stages.download.fetch.asking import Asker
from stages.download.fetch.guard import Guard
from stages.download.fetch.journal import Journal, Outcome
from stages.download.fetch.opt_out import OptOut
from stages.download.fetch.settings import FetchSettings

OUTCOMES = "outcomes.jsonl"
LOOK_S = 1.0
# errors of this machine, which are reported to the parent as such
OF_THE_MACHINE = (*images.OF_THE_MACHINE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass(frozen=True)
class Job:
    """What the child is to do. `parent`: process ID of the parent."""

    urls: list[str]
    settings: dict[str, object]
    resize: int | None
    folder: str
    journal: str
    opted_urls: list[str]
    opted_sha256: list[str]
    parent: int


def main() -> None:
    stdin = io.FileIO(0, closefd=False)
    job = Job(**json.loads(_line(stdin)))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too, but the parent handles it
    Thread(target=_end_with, args=(job.parent,), daemon=True).start()
    _raise_file_limit()
    errors = os.fdopen(os.dup(2), "w")  # img2dataset closes file descriptor 2 while it decodes
    try:
        _work(job, errors)
    except BaseException as error:  # noqa: BLE001 - its number is what the parent goes by
        _fail(error, errors)


def _work(job: Job, errors: TextIO) -> None:
    settings = FetchSettings.model_validate(job.settings)
    opted = OptOut(frozenset(job.opted_urls), frozenset(job.opted_sha256))
    journal = Journal(Path(job.journal))

    def fail(error: BaseException) -> None:
        _fail(error, errors)

    guard = Guard(job.urls, Asker(settings, opted).ask, journal, opted, fail)
    urllib.request.install_opener(guard)  # type: ignore[arg-type]
    engine.run(job.urls, Path(job.folder), job.resize, settings.threads, fail)
    _leave(guard.outcomes.values(), Path(job.folder) / OUTCOMES)


def _leave(outcomes: Iterable[Outcome], path: Path) -> None:
    with open(path, "w") as file:
        file.writelines(json.dumps(asdict(outcome)) + "\n" for outcome in outcomes)


def _fail(error: BaseException, errors: TextIO) -> None:
    """End the process, from any thread."""
    errors.write("".join(traceback.format_exception(error)))
    errors.flush()
    number = errno.ENOMEM if isinstance(error, MemoryError) else getattr(error, "errno", None)
    os._exit(number if number in OF_THE_MACHINE else 1)


def _line(stdin: io.FileIO) -> bytes:
    """Read the job's line, whose end is the last byte sent, without a buffer, which could hide the end of stdin."""
    pieces = list[bytes]()
    while not pieces or not pieces[-1].endswith(b"\n"):
        if not (piece := stdin.read(1 << 20)):
            sys.exit(1)
        pieces.append(piece)
    return b"".join(pieces)


def _end_with(parent: int) -> None:
    """End the process when stdin ends, or when the parent is gone but another process holds stdin's other end."""
    while not select.select([0], [], [], LOOK_S)[0] and os.getppid() == parent:
        continue
    os._exit(1)


def _raise_file_limit() -> None:
    """Raise the limit of open files: 1,024 threads need more files than the usual limit of 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
