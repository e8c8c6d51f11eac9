"""Bytes there: what this project fetched itself is wiped where it lies; of all else it is said where it lies."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.storage import Folder
from manifests.stores.places import is_local, place
from stages.download.index import index_of
from stages.download.listing import absolute
from stages.download.urls.fetched_table import erase

Row = Mapping[str, Any]
Stretch = tuple[int, int]  # offset, length
NAMED = 3  # files that are named


@dataclass(frozen=True)
class Elsewhere:
    """How many images were wiped where they lay, and where others still lie."""

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
    """Overwrite with zeros what a source of kind `urls` fetched, and take its rows out of the tables beside it.

    `sources`: name -> settings, as the lineage of the images states them. Can be done again.
    """
    ours = {name: absolute(one["into"]) for name, one in sources.items() if one["kind"] == "urls"}
    there = [row for row in rows if row["uri"] and row["uri"].startswith(f"{ours.get(row['source'], '//')}/")]
    by_uri = defaultdict(set)
    for row in there:
        by_uri[row["uri"]].add((row["offset"], row["length"]))
    for uri, stretches in by_uri.items():
        _wipe(uri, sorted({*stretches, *_beside(uri, stretches)}))
    for name, into in ours.items():
        erase(Folder(into), name, {row["image_id"] for row in rows if row["source"] == name})
    others = [row["uri"] for row in rows if row["uri"] and row["uri"] not in by_uri]
    return Elsewhere(len(there), len(others), tuple(dict.fromkeys(others))[:NAMED])


def _beside(uri: str, stretches: set[Stretch]) -> Iterator[Stretch]:
    """The captions that lie beside these images in a tar."""
    index = index_of(uri)
    stems = {one.name.rpartition(".")[0] for one in index.pictures if (one.offset, one.length) in stretches}
    for (stem, _), member in index.sidecars.items():
        if stem in stems:
            yield member.offset, member.length


def _wipe(uri: str, stretches: Sequence[Stretch]) -> None:
    """Zeros in place on a disk; an object in a bucket is put again."""
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
