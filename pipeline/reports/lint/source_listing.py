"""Source listing: the files of a source by kind, and the faults that show without opening a file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from pipeline.reports.lint.tally import Tally
from pipeline.reports.lint.tars import TARS
from stages import images
from stages.download.fetched import TABLE, TAR
from stages.download.walk import File

STATS = "_stats.json"
STRETCH = 2000  # image files of a folder that are checked together
DEVKIT = "devkit"  # ILSVRC's .tar.gz beside the images, which holds no images
TO_NAME = 3  # most image files beside the shards that are named in a sentence


@dataclass
class SourceListing:
    """Files by kind; img2dataset's tables and stats by the uri of their tar without its ending."""

    tars: list[File] = field(default_factory=list)
    tables: dict[str, File] = field(default_factory=dict)
    stats: dict[str, File] = field(default_factory=dict)
    jsons: list[File] = field(default_factory=list)
    pictures: list[File] = field(default_factory=list)  # only the first few of a folder: there may be millions
    picture_count: int = 0
    picture_bytes: int = 0
    cuts: list[tuple[str, int]] = field(default_factory=list)  # every STRETCH-th of them, and the bytes so far
    faults: list[File] = field(default_factory=list)
    others: int = 0

    def add(self, file: File, *, all_pictures: bool) -> None:
        name = file.name.lower()
        if file.fault and not images.is_named_as_image(name):
            self.faults.append(file)
        elif any(part.startswith((".", "_")) for part in name.split("/")) and not images.is_named_as_image(name):
            self.others += 1  # skipped as Parquet's readers skip them: lists, events, work in progress
        elif name.endswith(TARS) and DEVKIT not in name:
            self.tars.append(file)
        elif name.endswith(TABLE):
            self.tables[file.uri.removesuffix(TABLE)] = file
        elif name.endswith(".json"):
            self._add_json(file)
        elif images.is_named_as_image(name):
            self.picture_count += 1
            self.picture_bytes += max(file.size, 0)
            if self.picture_count % STRETCH == 0:
                self.cuts.append((file.name, self.picture_bytes))
            if all_pictures or len(self.pictures) < TO_NAME:
                self.pictures.append(file)
        else:
            self.others += 1

    def _add_json(self, file: File) -> None:
        if file.uri.endswith(STATS) and _is_numbered(file.uri):
            self.stats[file.uri.removesuffix(STATS)] = file
        elif len(self.jsons) < TO_NAME or not self.pictures:  # a .json beside each image is not a shard's stats
            self.jsons.append(file)

    @property
    def stems(self) -> dict[str, File]:
        """The tars by uri without its ending."""
        return {tar.uri.removesuffix(TAR): tar for tar in self.tars}

    @property
    def is_fetched(self) -> bool:
        """Whether img2dataset made the source: a tar has its Parquet or its stats beside it."""
        return any(stem in self.tables or stem in self.stats for stem in self.stems)


def judge(there: SourceListing, kind: str, tally: Tally) -> None:
    """Find files that should not be there, and files that are missing."""
    tally.file = ""
    for file in there.faults if kind != "folder" else ():  # those of a folder are found when it is walked
        tally.find("unreadable", str(file.fault), file.name)
    if kind != "folder" and there.picture_count:
        sentence = f"{there.picture_count:,} image files lie beside the shards"
        tally.find("aside", sentence, there.pictures[0].name, there.picture_count)
    if kind == "img2dataset":
        for file, what in _unfinished(there):
            tally.find("unfinished", f"no {what} beside it", file.name)
        for file in _foreign(there):
            tally.find("foreign_json", "img2dataset takes every *.json here for a shard's stats", file.name)


def _unfinished(there: SourceListing) -> Iterator[tuple[File, str]]:
    """Yield files that lack a sibling that other shards have; a kind that no shard has is not missing."""
    stems = there.stems
    folders = {os.path.dirname(stem) for stem in stems}
    shards = there.stats | there.tables | stems
    sorts: tuple[tuple[str, Collection[str]], ...] = ((TAR, stems), (TABLE, there.tables), (STATS, there.stats))
    for stem in sorted(stem for stem in shards if os.path.dirname(stem) in folders):
        absent = [f"{os.path.basename(stem)}{ending}" for ending, has in sorts if has and stem not in has]
        if absent:
            yield shards[stem], " and no ".join(absent)


def _foreign(there: SourceListing) -> Iterator[File]:
    folders = {os.path.dirname(stem) for stem in there.stems}
    return (file for file in there.jsons if os.path.dirname(file.uri) in folders and not _is_numbered(file.uri))


def _is_numbered(uri: str) -> bool:
    """Whether `int(name.split("_")[0])` of a .json's name is a number, as img2dataset (img2dataset/main.py) needs."""
    with suppress(ValueError):
        return int(os.path.basename(uri).split("_")[0]) >= 0
    return False
