"""Holding: lock files and folders that are being written, for as long as their writer lives.

Killing a process frees its locks (flock(2)). Anything that nobody holds was therefore left behind and may be removed,
whoever left it, while anything that another process is writing is kept. A process id would not show this: ids are
reused.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SCRATCH = "blindpairs-scratch-"  # prefix of a folder's name under TMPDIR


@contextmanager
def held_file(path: Path) -> Iterator[None]:
    """Create the file and hold it for the duration of the block; anyone else who wants to hold it waits."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, path):  # its last holder, or a removal of leftovers, was a moment quicker
                continue
            yield
            return
        finally:
            os.close(file)


@contextmanager
def held_folder(parent: Path, prefix: str, suffix: str = "") -> Iterator[Path]:
    """Create a folder with a new name and hold it for the block; then it is removed, unless it was renamed."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, suffix=suffix, dir=parent))
        try:
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:  # removed as a leftover before it could be held
            continue
        try:
            with suppress(OSError):
                fcntl.flock(folder, fcntl.LOCK_EX)
            if not _is_at(folder, path):
                continue
            yield path
            return
        finally:
            shutil.rmtree(path, ignore_errors=True)
            os.close(folder)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a private folder under TMPDIR for the block; folders that killed processes left are removed first."""
    remove_left_scratch()
    with held_folder(Path(tempfile.gettempdir()), SCRATCH) as folder:
        yield folder


def remove_left_scratch() -> None:
    """Remove the folders under TMPDIR whose processes were killed."""
    remove_left(Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"))


def remove_left(paths: Iterable[Path]) -> None:
    """Remove each of these files and folders that nobody holds."""
    for path in paths:
        with suppress(OSError):  # gone, held by somebody, or not ours to remove
            _remove_left(path)


def _remove_left(path: Path) -> None:
    """Remove one file or folder. Raises OSError if somebody holds it."""
    is_folder = path.is_dir()
    kind = os.O_RDONLY | os.O_DIRECTORY if is_folder else os.O_RDWR
    file = os.open(path, kind | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_nobody_holds(file, is_folder)
        if not _is_at(file, path):  # its writer has since renamed it, and the path may now be another one
            return
        if is_folder:
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(file)


def _check_nobody_holds(file: int, is_folder: bool) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # no locks here: a file is removed, at the risk that its writer must start over; a folder is kept
        if is_folder:
            raise


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
