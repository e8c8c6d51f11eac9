"""Disk: files on a disk of this machine that appear whole or not at all."""

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

ASIDE = ".aside"  # ends the name of a file that is not whole yet
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)


@contextmanager
def aside(folder: Path, name: str) -> Iterator[Path]:
    """A path to write to; when the block ends well the file is synced and renamed to `name`.

    Write into the file that is there: another one in its place would be nobody's, and might be swept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # the host too: containers on a shared disk often have the same process numbers
    path = folder / f"_{name}.{socket.gethostname()}.{os.getpid()}{ASIDE}"
    with held_file(path):
        try:
            yield path
            _sync(path)
            os.replace(path, folder / name)
        except BaseException:  # not after the rename: another thread may be writing a file of this name by then
            path.unlink(missing_ok=True)
            raise


def move_in(folder: Path, name: str, file: Path) -> None:
    """Move a whole file here as `name`: renamed where it lies on the same disk, else copied aside."""
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
    """Remove files that killed processes left half written here, and none that is being written now."""
    remove_left(folder.glob(f"_*{ASIDE}"))


def create(folder: Path, name: str, data: bytes) -> bool:
    """Put `data` under `name` unless a file is there; False where one is. Of many at once one gets True."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"_{name}.{uuid.uuid4().hex}{ASIDE}"
    with held_file(path):
        try:
            path.write_bytes(data)
            _sync(path)
            os.link(path, folder / name)  # unlike a rename it never takes another file's place
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
    """Write a small file into `folder` and remove it. Raises Refused, a sentence that starts with `what`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"_{uuid.uuid4().hex}{ASIDE}"
        with held_file(path):
            path.unlink()
    except OSError as error:
        raise Refused(f"{what}: {error.strerror}; choose another --root") from error


def _create_without_links(path: Path, data: bytes) -> bool:
    """For disks that have no links: still one winner, but the file may be seen before it is whole."""
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
    """Name -> ("file" or "directory", bytes) of what lies right in a folder, links followed; nothing where it is none.

    By one scan: asked file by file, ten thousand shards take a second. What vanishes meanwhile, as the file
    of a writer does that renames it, is not there.
    """
    try:
        with os.scandir(folder) as found:
            told = {entry.name: _told(entry) for entry in found}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {name: facts for name, facts in told.items() if facts is not None}


def _told(entry: os.DirEntry[str]) -> tuple[str, int] | None:
    """Kind and bytes; None for what is neither file nor folder, or gone."""
    try:
        if entry.is_dir():
            return "directory", 0
        return ("file", entry.stat().st_size) if entry.is_file() else None
    except FileNotFoundError:
        return None
