"""Disk: files on this machine's disk, which appear complete or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from manifests.errors import Refused
from manifests.stores.holding import held_file, remove_left

ASIDE = ".aside"  # suffix of a file that is not complete yet
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)


@contextmanager
def aside(folder: Path, name: str) -> Iterator[Path]:
    """Yield a path to write to; if the block succeeds, the file is synced and renamed to `name`.

    Write into the existing file: another file put in its place would not be locked and might be swept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # with the host name, because containers on a shared disk often have the same process ids
    path = folder / f"_{name}.{socket.gethostname()}.{os.getpid()}{ASIDE}"
    with held_file(path):
        try:
            yield path
            _sync(path)
            os.replace(path, folder / name)
        except BaseException:  # only on failure: after the rename another thread may be writing a file of this name
            path.unlink(missing_ok=True)
            raise


def move_in(folder: Path, name: str, file: Path) -> None:
    """Move a complete file here as `name`: by a rename on the same disk, otherwise by a copy through `aside`."""
    folder.mkdir(parents=True, exist_ok=True)
    _sync(file)
    try:
        os.replace(file, folder / name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with aside(folder, name) as path:
            shutil.copyfile(file, path)
        file.unlink()


def sweep_left(folder: Path) -> None:
    """Remove half-written files that killed processes left here, but none that is being written now."""
    remove_left(folder.glob(f"_*{ASIDE}"))


def create(folder: Path, name: str, data: bytes) -> bool:
    """Write `data` as `name`; return False if that file exists. Of concurrent calls exactly one gets True."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"_{name}.{uuid.uuid4().hex}{ASIDE}"
    with held_file(path):
        try:
            path.write_bytes(data)
            _sync(path)
            os.link(path, folder / name)  # unlike a rename, it never replaces a file
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            return _create_without_links(folder / name, data)
        finally:
            path.unlink(missing_ok=True)
    return True


def check_takes_files(folder: Path, what: str) -> None:
    """Write a small file into `folder` and remove it. Raises Refused with a message that starts with `what`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"_{uuid.uuid4().hex}{ASIDE}"
        with held_file(path):
            path.unlink()
    except OSError as error:
        raise Refused(f"{what}: {error.strerror}; choose another --root") from error


def _create_without_links(path: Path, data: bytes) -> bool:
    """Create a file on a disk without links: there is still one winner, but it may be seen before it is complete."""
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return False
    return True


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def entries(folder: Path) -> dict[str, tuple[str, int]]:
    """Return name -> ("file" or "directory", bytes) of a folder's own entries, links followed; empty if not a folder.

    One scan reads them all: file by file, ten thousand shards would take a second. Anything that vanishes during
    the scan, such as a file that its writer renames, is left out.
    """
    try:
        with os.scandir(folder) as found:
            told = {entry.name: _told(entry) for entry in found}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {name: facts for name, facts in told.items() if facts is not None}


def _told(entry: os.DirEntry[str]) -> tuple[str, int] | None:
    """Return kind and bytes; None for anything that is neither a file nor a folder, or is gone."""
    try:
        if entry.is_dir():
            return "directory", 0
        return ("file", entry.stat().st_size) if entry.is_file() else None
    except FileNotFoundError:
        return None
