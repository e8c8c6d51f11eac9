"""Kill a forget at each of its changes to the disk in turn, and compare what the next one ends with.

    python -m world.killing RUN BEFORE ENDED IMAGE_ID ...

BEFORE is the run as it was, ENDED what a forget that was never killed made of it, RUN where each try takes place.
Every try is a process of its own, forked from this one, which has used no library yet: a fork with threads at
work may hang. Prints a line for each try that ended with other bytes, and last how many tries there were.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from world.forgetting import whole

from manifests.storage import Folder
from pipeline.forget.forget import forget
from pipeline.run.removal.intent import Intent

ALL = 10**9
# loaded once here, not in each of the processes
HEAVY = ("numpy.random", "pyarrow.dataset", "pyarrow.pandas_compat", "scipy.sparse.csgraph")


def main(run: Path, before: Path, ended: Path, gone: Sequence[str]) -> None:
    for name in HEAVY:
        importlib.import_module(name)
    os.fsync = lambda file: None  # a kill is no loss of power
    expected, tries, killed = whole(ended), 0, True
    while killed:
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(before, run)
        killed = dies(lambda: forget(str(run), gone), tries)
        if killed and tries % 3 == 0:  # the one that finishes it is killed, too
            dies(lambda: finish(run, gone), Random(tries).randrange(20))
        dies(lambda: finish(run, gone), ALL)
        found = whole(run)
        if odd := sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name)):
            print(f"killed before change {tries}: {', '.join(odd)}")
        tries += 1
    print(tries)


def finish(run: Path, gone: Sequence[str]) -> None:
    """What a person does: `blindpairs forget RUN`, or the same command where the first changed nothing yet."""
    forget(str(run), [] if Intent.read(Folder(str(run))) else gone)


def dies(work: Callable[[], object], changes: int) -> bool:
    """Do it in a process that is killed before the change after so many; whether it was."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        assert status in (0, signal.SIGKILL), f"it ended with {status}"
        return status == signal.SIGKILL
    code = 1
    try:
        _killed_after(changes)
        work()
        code = 0
    finally:
        os._exit(code)


def _killed_after(changes: int) -> None:
    """From now on this process dies by its own hand when it is about to make one change more than that."""
    left = [changes]

    def counted(change: Callable[..., None]) -> Callable[..., None]:
        def instead(path: Path, *more: object, **words: object) -> None:
            if os.path.exists(path) and "_driver.json" not in Path(path).name:  # another thread renews that one
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
            change(path, *more, **words)

        return instead

    for name in ("replace", "unlink"):
        setattr(os, name, counted(getattr(os, name)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), sys.argv[4:])
