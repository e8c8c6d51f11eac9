"""Bytes there: wipe the bytes this project fetched itself; for all other bytes, report where they are stored."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.errors import Refused
from manifests.storage import Folder
from manifests.stores.places import absolute, is_local, place
from stages import images
from stages.download.index import index_of
from stages.download.urls.fetched_table import erased
from stages.download.urls.output_folder import tables_of_all
from stages.download.urls.retry_failed import LISTS, blotted
from stages.images import ImageRefused

Row = Mapping[str, Any]
Stretch = tuple[int, int]  # offset, length
NAMED = 3  # files that are named


@dataclass(frozen=True)
class Elsewhere:
    """How many images were wiped in place, and where others are still stored."""

    wiped: int = 0
    left: int = 0
    uris: tuple[str, ...] = ()  # the first NAMED

    def __str__(self) -> str:
        told = [f"the bytes of {self.wiped:,} that were fetched for it were wiped"] if self.wiped else []
        if self.left:
            more = " ..." if self.left > len(self.uris) else ""
            told.append(
                f"the bytes of {self.left:,} still lie in {', '.join(self.uris)}{more}: a new run would find them again"
            )
        return "; ".join(told)


def wiped(sources: Mapping[str, Mapping[str, Any]], rows: Sequence[Row]) -> Elsewhere:
    """Overwrite with zeros what a source of kind `urls` fetched, and remove its rows from the tables beside it.

    `sources`: name -> settings, as the lineage of the images states them. Can be repeated.
    """
    ours = {name: absolute(one["into"]) for name, one in sources.items() if one["kind"] == "urls"}
    there = [row for row in rows if row["uri"] and row["uri"].startswith(f"{ours.get(row['source'], '//')}/")]
    wiped_rows = [row for row in there if _is_it(row)]
    by_uri = defaultdict(set)
    for row in wiped_rows:
        by_uri[row["uri"]].add((row["offset"], row["length"]))
    for uri, stretches in by_uri.items():
        _wipe(uri, sorted({*stretches, *_beside(uri, stretches)}))
    left: list[str] = []
    for name, into in ours.items():
        left += _erased(Folder(into), name, {row["image_id"] for row in rows if row["source"] == name})
    here = {row["image_id"] for row in there}
    left += [row["uri"] for row in rows if row["uri"] and row["image_id"] not in here]
    return Elsewhere(len(wiped_rows), len(left), tuple(dict.fromkeys(left))[:NAMED])


def _is_it(row: Row) -> bool:
    """Whether the bytes at the row's location are still the image's: they may be gone or replaced by now."""
    try:
        data = images.read(row["uri"], row["offset"], row["length"])
    except ImageRefused:
        return False
    return hashlib.sha256(data).hexdigest() == row["sha256"] or not any(data)  # wiped before, as after a kill


def _erased(into: Folder, source: str, ids: set[str]) -> list[str]:
    """Remove the ids from all tables and lists of a source; return the damaged files, which may still name them."""
    damaged = []
    for folder in (into, into / LISTS):
        folder.sweep_left()
    for name in tables_of_all(into, source):
        try:
            erased(into, [name], source, ids)
        except Refused:
            damaged.append(f"{into.url}/{name}")
    try:
        blotted(into, source, ids)
    except Refused:
        damaged.append(f"{into.url}/{LISTS}")
    return damaged


def _beside(uri: str, stretches: set[Stretch]) -> Iterator[Stretch]:
    """Yield the captions stored beside these images in a tar."""
    index = index_of(uri)
    stems = {one.name.rpartition(".")[0] for one in index.pictures if (one.offset, one.length) in stretches}
    for (stem, _), member in index.sidecars.items():
        if stem in stems:
            yield member.offset, member.length


def _wipe(uri: str, stretches: Sequence[Stretch]) -> None:
    """Write zeros in place on a disk; in a bucket, upload the object again."""
    if is_local(uri):
        with open(place(uri)[1], "r+b") as file:
            for offset, length in stretches:
                file.seek(offset)
                file.write(b"\0" * length)
            file.flush()
            os.fsync(file.fileno())
        return
    at, _, name = uri.rpartition("/")
    data = bytearray(Folder(at).read(name))
    for offset, length in stretches:
        data[offset : offset + length] = b"\0" * length
    Folder(at).write(name, bytes(data))
