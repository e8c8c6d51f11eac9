"""Listing: which files a source has, in one order everywhere, on a disk or in a bucket."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from braceexpand import braceexpand
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from manifests.errors import Refused
from stages.download.settings import SourceSettings


@dataclass(frozen=True)
class File:
    """A file of a source: its path within the source, where it lies, its size in bytes (-1: cannot be told)."""

    name: str
    uri: str
    size: int
    regular: bool = True


@dataclass(frozen=True)
class Bounds:
    """A stretch of sorted paths: after < path <= to."""

    after: str | None
    to: str | None

    def hold(self, path: str) -> bool:
        return (self.after is None or path > self.after) and (self.to is None or path <= self.to)

    def meet(self, folder: str) -> bool:
        """Whether a path that starts with `folder` (which ends with "/") may lie inside."""
        above = self.after is None or folder > self.after or self.after.startswith(folder)
        return above and (self.to is None or folder <= self.to)


def files_below(uri: str, after: str | None = None, to: str | None = None) -> Iterator[File]:
    """Every file below a folder whose path is > `after` and <= `to` (None: no bound), sorted by path.

    Links are followed, loops of links are not. Folders outside the bounds are not entered.
    """
    fs, path = url_to_fs(uri)
    if isinstance(fs, LocalFileSystem):
        yield from _walk(Path(path), "", frozenset(), Bounds(after, to))
        return
    prefix = path.rstrip("/") + "/"
    for name, facts in sorted(fs.find(path, detail=True).items()):
        if Bounds(after, to).hold(name.removeprefix(prefix)):
            yield File(name.removeprefix(prefix), fs.unstrip_protocol(name), int(facts["size"]))


def files_matching(source: SourceSettings, uri: str) -> list[File]:
    """The files that braces and globs in `uri` name. Raises Refused where one is not there."""
    found = [file for one in _expanded(source, uri) for file in _matching(source, one)]
    return sorted({file.uri: file for file in found}.values(), key=lambda file: file.uri)


def absolute(uri: str) -> str:
    """`uri` such that it means the same from any folder."""
    return uri if "://" in uri else os.path.abspath(os.path.expanduser(uri))


def digest(files: Iterable[File]) -> dict[str, int | str]:
    """Number, bytes and a hash of names and sizes: enough to notice that a source changed."""
    hasher, count, total = hashlib.sha256(), 0, 0
    for file in files:
        hasher.update(f"{file.name}\0{file.size}\n".encode("utf-8", "surrogateescape"))
        count, total = count + 1, total + max(file.size, 0)
    return {"files": count, "bytes": total, "digest": hasher.hexdigest()[:16]}


def _walk(folder: Path, prefix: str, above: frozenset[tuple[int, int]], bounds: Bounds) -> Iterator[File]:
    try:
        here = folder.stat()
        names = _names(folder)
    except OSError:  # a folder that may not be read is told like a file that may not be read
        yield File(prefix.rstrip("/"), str(folder), -1, regular=False)
        return
    if (here.st_dev, here.st_ino) in above:
        return
    inside = above | {(here.st_dev, here.st_ino)}
    for name in names:
        if name.endswith("/") and bounds.meet(prefix + name):
            yield from _walk(folder / name, prefix + name, inside, bounds)
        elif not name.endswith("/") and bounds.hold(prefix + name):
            yield _file(folder / name, prefix + name)


@lru_cache(maxsize=8)  # the next task of a worker mostly walks the same folders
def _names(folder: Path) -> tuple[str, ...]:
    """Names in a folder; a folder's ends with "/", so that the walk is in the order of full paths."""
    with os.scandir(folder) as entries:
        return tuple(sorted(entry.name + "/" * entry.is_dir() for entry in entries))


def _file(path: Path, name: str) -> File:
    try:
        facts = path.stat()
    except OSError:  # a broken link, or a link to itself
        return File(name, str(path), -1)
    regular = stat.S_ISREG(facts.st_mode)
    return File(name, str(path), facts.st_size if regular else -1, regular)


def _expanded(source: SourceSettings, uri: str) -> list[str]:
    try:
        return list(braceexpand(uri))
    except ValueError as error:
        raise Refused(f"source {source.name}: the braces in {uri} do not parse ({error})") from error


def _matching(source: SourceSettings, uri: str) -> list[File]:
    fs, path = url_to_fs(absolute(uri))
    try:
        names = sorted(fs.glob(path)) if any(mark in path for mark in "*?[") else [path]
        sizes = {name: fs.info(name) for name in names}
    except FileNotFoundError:
        sizes = {}
    files = [name for name, facts in sizes.items() if facts["type"] == "file"]
    if not files:
        raise Refused(f"source {source.name}: {uri} names no file; correct images.sources ... uri")
    return [File(name.rsplit("/", 1)[-1], _uri(fs, name), int(sizes[name]["size"])) for name in files]


def _uri(fs: object, name: str) -> str:
    return name if isinstance(fs, LocalFileSystem) else str(fs.unstrip_protocol(name))  # type: ignore[attr-defined]
