"""Store walk: the files below a folder of a store, one folder at a time, in the same order as on a disk.

A store has no folders, only names with "/" in them; given a delimiter, it lists them as if it had folders.
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

KNOWN_S = 600  # how long a worker's next stretch may take a folder's listing from memory


@dataclass(frozen=True)
class Entry:
    """A file of a store: its URL, and its size in bytes."""

    uri: str
    size: int


def walked_in_store(url: str, bounds: Bounds) -> Iterator[File]:
    """Return every file below the folder `url` within `bounds`, sorted by full path.

    Without bounds all is listed again; for a stretch, listings that this process made within the last 10 minutes
    are reused. Raises Refused if there is no such folder, and as `listed` does.
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
    """Return the direct contents of a folder of a store, by name; a folder's name ends with "/", and its entry is None.

    One request for 1,000 names. Raises Refused if it holds a name that cannot be a path, an OSError as
    faults.os_error says: FileNotFoundError if there is no such folder.
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
            entries |= {name: _entry(fs, one)} if name else {}  # some tools mark a folder with an empty file
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
