"""Walk: every file below a folder, or a stretch of them, in the order of full paths.

`within` is the walk itself, `walked` the walk of a folder of this machine; store_walk.py is the walk of a store.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from manifests.errors import Refused

FRESH_NS = 2_000_000_000  # a folder changed more recently may change again with the same mtime, which is that coarse


@dataclass(frozen=True)
class File:
    """A file of a source: its path within the source, where it is stored, and its size in bytes (-1: unknown).

    `fault` says why it cannot be read, if that is known without opening it. A folder that may not be
    read is such a file, and its name ends with "/".
    """

    name: str
    uri: str
    size: int
    fault: str | None = None

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


@dataclass(frozen=True)
class Bounds:
    """A stretch of sorted paths: after < path <= to."""

    after: str | None
    to: str | None

    def hold(self, path: str) -> bool:
        return (self.after is None or path > self.after) and (self.to is None or path <= self.to)

    def meet(self, folder: str) -> bool:
        """Return whether a path that starts with `folder` (which ends with "/") may be inside."""
        above = self.after is None or folder > self.after or self.after.startswith(folder)
        return above and (self.to is None or folder <= self.to)


@dataclass(frozen=True)
class Level:
    """A folder being walked: its identity, and the remaining paths in it, in order; a folder's path ends with "/"."""

    identity: Hashable
    paths: Iterator[str]


def walked(root: str, bounds: Bounds) -> Iterator[File]:
    """Return every file below the folder `root` within `bounds`, sorted by full path.

    Links are followed, loops of links are not. Raises Refused if `root` itself cannot be read.
    """
    try:
        first = _level(root, "")
    except OSError as error:
        raise Refused(f"{root} cannot be read: {error.strerror}; correct images.sources ... uri") from error
    return within(bounds, first, lambda path: _entered(root, path), lambda path: _file(os.path.join(root, path), path))


def within(
    bounds: Bounds, first: Level, enter: Callable[[str], Level | File], file: Callable[[str], File]
) -> Iterator[File]:
    """Yield the files at and below `first`, sorted by full path; folders outside the bounds are not entered."""
    levels = [first]
    while levels:  # not recursive: folders may nest deeper than Python's stack
        path = next(levels[-1].paths, None)
        if path is None:
            levels.pop()
        elif not path.endswith("/"):
            if bounds.hold(path):
                yield file(path)
        elif bounds.meet(path):
            level = enter(path)
            if isinstance(level, Level):
                levels += [level] if level.identity not in {above.identity for above in levels} else []
            elif bounds.hold(path):
                yield level


def _entered(root: str, path: str) -> Level | File:
    try:
        return _level(root, path)
    except OSError as error:
        uri = os.path.join(root, path)
        return File(path, uri, -1, f"the folder {uri}, and any image in it, cannot be read: {error.strerror}")


def _level(root: str, prefix: str) -> Level:
    """Begin walking a folder. Raises OSError if it cannot be read."""
    folder = os.path.join(root, prefix)
    here = os.stat(folder)
    identity = (here.st_dev, here.st_ino)
    fresh = time.time_ns() - here.st_mtime_ns < FRESH_NS
    names = _names(folder) if fresh else _names_known(folder, identity, here.st_mtime_ns)
    return Level(identity, (prefix + name for name in names))


# a worker's next task usually walks the same folders; a folder changed since then has another mtime
@lru_cache(maxsize=8)
def _names_known(folder: str, identity: tuple[int, int], changed_ns: int) -> tuple[str, ...]:
    return _names(folder)


def _names(folder: str) -> tuple[str, ...]:
    """Return the names in a folder; a folder's name ends with "/", so that the walk is in the order of full paths."""
    with os.scandir(folder) as entries:
        return tuple(sorted(entry.name + "/" * _leads_to_a_folder(entry) for entry in entries))


def _leads_to_a_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to a place we may not read: treated as a file
        return False


def _file(uri: str, name: str) -> File:
    try:
        facts = os.stat(uri)
    except OSError as error:  # a broken link, or a link to itself
        return File(name, uri, -1, f"{uri}: {error.strerror}")
    if not stat.S_ISREG(facts.st_mode):
        return File(name, uri, -1, f"{uri} is not a regular file")
    return File(name, uri, facts.st_size)
