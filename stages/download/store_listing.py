"""Store listing: which files of a store some URLs name, with few requests however many URLs there are."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from fsspec.utils import glob_translate

from manifests.errors import Refused
from manifests.stores.patience import patiently
from manifests.stores.places import is_local, place
from stages.download.store_walk import Entry, listed
from stages.download.walk import File

GLOB = re.compile(r"[*?[]")
FEW = 20  # names in one folder that are looked up one by one; for more, one listing of the folder costs less


def files_in_store(urls: Iterable[str]) -> Iterator[File]:
    """Yield the files that URLs with or without globs name, listing each of their folders once.

    Raises Refused, a sentence that starts with the URL, if a URL names no file; OSError as faults.os_error says.
    """
    by_folder: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        folder, _, name = url.rpartition("/")
        by_folder[folder].append(name)
    for folder, names in by_folder.items():
        if GLOB.search(folder.partition("://")[2]):
            yield from (file for name in names for file in _of_folders_too(f"{folder}/{name}"))
        elif len(names) <= FEW and not any(map(GLOB.search, names)):
            yield from (_asked_for(f"{folder}/{name}") for name in names)
        else:
            yield from _in_folder(folder, names)


def is_folder(url: str) -> bool:
    """Return whether `url` is a folder; in a store, whether anything is below it. Raises OSError if a store fails."""
    fs, path = place(url)
    if is_local(url):
        return os.path.isdir(path)
    try:
        return bool(patiently(lambda: fs.info(path), url)["type"] == "directory")
    except FileNotFoundError:
        return False


def _in_folder(folder: str, names: list[str]) -> Iterator[File]:
    entries: Mapping[str, Entry | None] = {}
    with suppress(FileNotFoundError):  # each name is then reported as missing
        entries = listed(folder)
    for name in names:
        found = {name: entries[name]} if name in entries else _matching(name, entries)
        files = [File(name, entry.uri, entry.size) for name, entry in found.items() if entry is not None]
        if not files:
            raise _none(f"{folder}/{name}", is_there=f"{name}/" in entries)
        yield from files


def _matching(name: str, entries: Mapping[str, Entry | None]) -> dict[str, Entry | None]:
    if not GLOB.search(name):
        return {}
    pattern = re.compile(glob_translate(name))
    return {one: entry for one, entry in entries.items() if pattern.match(one)}


def _asked_for(url: str) -> File:
    fs, path = place(url)
    try:
        facts = patiently(lambda: fs.info(path), url)
    except FileNotFoundError as error:
        raise _none(url, is_there=False) from error
    if facts["type"] != "file":
        raise _none(url, is_there=True)
    return _file(fs, facts)


def _of_folders_too(url: str) -> Iterator[File]:
    """Yield the files named by a glob in the folders' names; fsspec lists every folder that may match."""
    fs, path = place(url)
    found = patiently(lambda: {path: fs.info(path)} if fs.exists(path) else fs.glob(path, detail=True), url)
    files = [_file(fs, facts) for facts in found.values() if facts["type"] == "file"]
    if not files:
        raise _none(url, is_there=False)
    yield from files


def _none(url: str, *, is_there: bool) -> Refused:
    if is_there:
        return Refused(f"{url} is a folder; name the tars in it: {url.rstrip('/')}/*.tar")
    return Refused(f"{url} names no file" if GLOB.search(url) else f"{url} cannot be read (it does not exist)")


def _file(fs: object, facts: dict[str, object]) -> File:
    uri = str(fs.unstrip_protocol(facts["name"]))  # type: ignore[attr-defined]
    return File(uri.rsplit("/", 1)[-1], uri, int(str(facts["size"])))
