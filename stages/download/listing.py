"""Listing: which files a source has, in one order everywhere, on a disk or in a bucket."""

from __future__ import annotations

import glob
import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator

from braceexpand import braceexpand
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from manifests.errors import Refused
from stages import images
from stages.download.row import printable
from stages.download.settings import SourceSettings
from stages.download.walk import Bounds, File, walked

MOST_NAMES = 1_000_000  # that braces may stand for


def files_below(uri: str, after: str | None = None, to: str | None = None) -> Iterator[File]:
    """Every file below a folder whose path is > `after` and <= `to` (None: no bound), sorted by path.

    Links are followed, loops of links are not. Folders outside the bounds are not entered. Raises
    Refused where the folder itself cannot be read, or cannot be named in a row.
    """
    if uri != printable(uri):
        raise Refused(f"the path {uri!a} is not UTF-8, so no row can say where its images lie; rename it")
    fs, path = images.place(uri)
    if isinstance(fs, LocalFileSystem):
        return walked(path, Bounds(after, to))
    return _found(fs, path, Bounds(after, to))


def files_matching(source: SourceSettings, uri: str) -> list[File]:
    """The files that braces and globs in `uri` name. Raises Refused where one is not there."""
    found = [file for one in _expanded(source, uri) for file in _matching(source, one)]
    return sorted({file.uri: file for file in found}.values(), key=lambda file: file.uri)


def literally(uri: str) -> str:
    """`uri` such that `files_matching` takes none of its characters for a brace or a glob."""
    return re.sub(r"([\\{},])", r"\\\1", glob.escape(uri))


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


def _found(fs: AbstractFileSystem, path: str, bounds: Bounds) -> Iterator[File]:
    prefix = path.rstrip("/") + "/"
    try:
        found = sorted(fs.find(path, detail=True).items())
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error}; correct images.sources ... uri") from error
    for name, facts in found:
        if bounds.hold(name.removeprefix(prefix)):
            yield File(name.removeprefix(prefix), str(fs.unstrip_protocol(name)), int(facts["size"]))


def _expanded(source: SourceSettings, uri: str) -> list[str]:
    """What the braces of `uri` name; counted first, for a typing error in a range would fill the memory."""
    ranges = [(int(first), int(last)) for first, last in re.findall(r"\{(-?\d+)\.\.(-?\d+)", uri)]
    if (names := math.prod(abs(last - first) + 1 for first, last in ranges)) > MOST_NAMES:
        raise Refused(f"source {source.name}: the braces in {uri} name {names:,} files, more than {MOST_NAMES:,}")
    try:
        return list(braceexpand(uri))
    except ValueError as error:
        raise Refused(f"source {source.name}: the braces in {uri} do not parse ({error})") from error


def _matching(source: SourceSettings, uri: str) -> list[File]:
    fs, path = images.place(absolute(uri))
    literal = fs.exists(path) or not any(mark in path for mark in "*?[")
    try:
        facts = {name: fs.info(name) for name in ([path] if literal else sorted(fs.glob(path)))}
    except OSError as error:
        why = f"{error.filename or path}: {error.strerror or 'it is not there'}"
        raise Refused(f"source {source.name}: {uri} cannot be read ({why}); correct images.sources ... uri") from error
    names = [name for name, fact in facts.items() if fact["type"] == "file"]
    if not names:
        what = f"is a folder; name the tars in it: {uri.rstrip('/')}/*.tar" if fs.isdir(path) else "names no file"
        raise Refused(f"source {source.name}: {uri} {what}; correct images.sources ... uri")
    if odd := [name for name in names if name != printable(name)]:
        raise Refused(f"source {source.name}: the name of {odd[0]!a} is not UTF-8; rename it")
    return [File(name.rsplit("/", 1)[-1], _uri(fs, name), int(facts[name]["size"])) for name in names]


def _uri(fs: object, name: str) -> str:
    return name if isinstance(fs, LocalFileSystem) else str(fs.unstrip_protocol(name))  # type: ignore[attr-defined]
