"""Stamps: whether a run's images or pairs were committed anew since a page was opened. Cheap on a disk."""

from __future__ import annotations

from manifests.manifest import COMMIT
from manifests.storage import Folder

STEPS = ("images", "pairs")
Stamp = tuple[tuple[int, int], ...]


def stamp(run: Folder) -> Stamp | None:
    """Changes with the commits; None while one is away, and for a bucket, where it is not asked at each request."""
    if (folder := run.local) is None:
        return None
    try:
        found = [(folder / step / COMMIT).stat() for step in STEPS if (folder / step).exists()]
    except FileNotFoundError:  # being made again
        return None
    return tuple((one.st_mtime_ns, one.st_size) for one in found)
