"""Store walk: the files below a folder of a store, a folder at a time and in the order a disk's have.

A store has no folders, only names with "/" in them; asked with a delimiter it lists them as if it had.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from manifests.errors import Refused
from manifests.stores.patience import patiently
from manifests.stores.places import place
from stages.download.walk import Bounds, File, Level, within

KNOWN_S = 600  # so long a worker's next stretch takes a folder's listing from memory


@dataclass(frozen=True)
class Entry:
    """A file of a store: its URL, and its size in bytes."""

    uri: str
    size: int


def walked_in_store(url: str, bounds: Bounds) -> Iterator[File]:
    """Every file below the folder `url` within `bounds`, sorted by full path.

    All is listed anew; of a stretch, listings are taken that this process made within the last 10 minutes.
    Raises Refused where there is no such folder, and as `listed` does.
    """
    stretch = bounds != Bounds(None, None)
    entries: dict[str, Entry] = {}

    def enter(prefix: str) -> Level | File:
        folder = f"{url.rstrip('/')}/{prefix}".rstrip("/")
        try:
            found = _listed_lately(folder, int(time.monotonic() // KNOWN_S)) if stretch else listed(folder)
        except FileNotFoundError as error:
            if not prefix:
                raise Refused(f"{url} cannot be read: it does not exist; correct images.sources ... uri") from error
            return Level(prefix, iter(()))  # its last file was removed meanwhile
        except PermissionError as error:
            if not prefix:
                raise
            return File(prefix, folder, -1, f"the folder {folder}, and any image in it, cannot be read: {error}")
        entries.update({prefix + name: entry for name, entry in found.items() if entry is not None})
        return Level(prefix, iter(sorted(prefix + name for name in found)))

    def file(path: str) -> File:
        entry = entries[path]
        return File(path, entry.uri, entry.size)

    first = enter("")
    assert isinstance(first, Level)
    return within(bounds, first, enter, file)


def listed(folder: str) -> Mapping[str, Entry | None]:
    """What lies right in a folder of a store, by name; a folder's name ends with "/", and it is None.

    One request for 1,000 names. Raises Refused where it holds a name that no path can be, an OSError as
    faults.os_error says: FileNotFoundError where there is no such folder.
    """
    fs, path = place(folder)
    found = patiently(lambda: fs.ls(path, detail=True), folder)
    inside = path.rstrip("/") + "/"
    entries: dict[str, Entry | None] = {}
    for one in found:
        if one["name"] == path:
            raise Refused(f"{folder} is a file, not a folder; correct images.sources ... uri")
        name = one["name"].removeprefix(inside).rstrip("/")
        if one["type"] != "directory":
            entries |= {name: _entry(fs, one)} if name else {}  # some tools mark a folder by an empty file
        elif name:
            entries[f"{name}/"] = None
        else:
            raise Refused(f'{folder} holds names with "//" in them, which no path can be; rename these files')
    return entries


@lru_cache(maxsize=8)
def _listed_lately(folder: str, when: int) -> Mapping[str, Entry | None]:
    return listed(folder)


def _entry(fs: object, one: Mapping[str, object]) -> Entry:
    return Entry(str(fs.unstrip_protocol(one["name"])), int(str(one["size"])))  # type: ignore[attr-defined]
