"""Listing: the files of a source, in the same order on a disk and in a bucket."""

from __future__ import annotations

import glob
import hashlib
import math
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from braceexpand import braceexpand

from manifests.errors import Refused
from manifests.stores.faults import sentence
from manifests.stores.places import DISK, absolute, is_local, place
from manifests.stores.reach import check_reached
from stages.download.row import printable
from stages.download.settings import SourceSettings
from stages.download.store_listing import files_in_store
from stages.download.store_walk import walked_in_store
from stages.download.walk import Bounds, File, walked

MOST_NAMES = 1_000_000  # that braces may expand to


def files_below(uri: str, after: str | None = None, to: str | None = None) -> Iterator[File]:
    """Return every file below a folder whose path is > `after` and <= `to` (None: no bound), sorted by path.

    Links are followed, loops of links are not. Folders outside the bounds are not entered. Raises
    Refused if the folder itself cannot be read, or cannot be named in a row; OSError if it is in a
    store that failed or denies access.
    """
    if uri != printable(uri):
        raise Refused(f"the path {uri!a} is not UTF-8, so no row can say where its images lie; rename it")
    if is_local(uri):
        return walked(place(uri)[1], Bounds(after, to))
    return walked_in_store(uri, Bounds(after, to))


def files_matching(source: SourceSettings, uri: str) -> list[File]:
    """Return the files that braces and globs in `uri` name. Raises Refused if one is missing or cannot be listed."""
    with listing(source):
        named = [absolute(one) for one in _expanded(source, uri)]
        if is_local(absolute(uri)):
            found = [file for one in named for file in _on_disk(source, one)]
        else:
            found = _in_store(source, named)
    if odd := [file.uri for file in found if file.uri != printable(file.uri)]:
        raise Refused(f"source {source.name}: the name of {odd[0]!a} is not UTF-8; rename it")
    return sorted({file.uri: file for file in found}.values(), key=lambda file: file.uri)


@contextmanager
def listing(source: SourceSettings) -> Iterator[None]:
    """Turn errors of a source's store into Refused, naming the source, while it is listed before any work.

    First checks that the store answers (within 20 s), that access is allowed, and that the bucket exists.
    """
    uri = absolute(source.uri)
    if is_local(uri):
        yield
        return
    what = f"source {source.name}: {uri} cannot be listed"
    check_reached(re.split(r"[{*?[]", uri)[0].rpartition("/")[0], what)
    try:
        yield
    except OSError as error:
        raise Refused(f"{what}: {sentence(error, uri)}") from error


def literally(uri: str) -> str:
    """Escape `uri` so that `files_matching` takes none of its characters for a brace or a glob."""
    return re.sub(r"([\\{},])", r"\\\1", glob.escape(uri))


def digest(files: Iterable[File]) -> dict[str, int | str]:
    """Return number, bytes and a hash of names and sizes: enough to notice that a source changed."""
    hasher, count, total = hashlib.sha256(), 0, 0
    for file in files:
        hasher.update(f"{file.name}\0{file.size}\n".encode("utf-8", "surrogateescape"))
        count, total = count + 1, total + max(file.size, 0)
    return {"files": count, "bytes": total, "digest": hasher.hexdigest()[:16]}


def _expanded(source: SourceSettings, uri: str) -> list[str]:
    """Expand the braces of `uri`, counting the names first, because a typo in a range would fill the memory."""
    ranges = [(int(first), int(last)) for first, last in re.findall(r"\{(-?\d+)\.\.(-?\d+)", uri)]
    if (names := math.prod(abs(last - first) + 1 for first, last in ranges)) > MOST_NAMES:
        raise Refused(f"source {source.name}: the braces in {uri} name {names:,} files, more than {MOST_NAMES:,}")
    try:
        return list(braceexpand(uri))
    except ValueError as error:
        raise Refused(f"source {source.name}: the braces in {uri} do not parse ({error})") from error


def _in_store(source: SourceSettings, urls: list[str]) -> list[File]:
    try:
        return list(files_in_store(urls))
    except Refused as refusal:
        raise Refused(f"source {source.name}: {refusal}; correct images.sources ... uri") from refusal


def _on_disk(source: SourceSettings, uri: str) -> list[File]:
    path = place(uri)[1] if "://" in uri else uri
    literal = not any(mark in path for mark in "*?[") or os.path.exists(path)
    try:
        sizes = {path: _size(path)} if literal else _globbed(path)
    except OSError as error:
        why = f"{error.filename or path}: {error.strerror or 'it does not exist'}"
        raise Refused(f"source {source.name}: {uri} cannot be read ({why}); correct images.sources ... uri") from error
    found = [File(os.path.basename(name), name, size) for name, size in sizes.items() if size is not None]
    if not found:
        remedy = f"name the tars in it: {uri}/*.tar, or for image files say kind: folder"
        what = f"is a folder; {remedy}" if os.path.isdir(path) else "names no file"
        raise Refused(f"source {source.name}: {uri} {what}; correct images.sources ... uri")
    return found


def _globbed(path: str) -> dict[str, int | None]:
    return {name: _size(name) for name in sorted(DISK.glob(path))}


def _size(path: str) -> int | None:
    """Return the bytes of a regular file, following links; None for anything else. Raises OSError if nothing exists."""
    facts = os.stat(path)
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None
