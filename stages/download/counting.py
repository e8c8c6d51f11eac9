"""Counting: how many images a source holds, as far as is known within seconds, before anything runs.

Of tars on a disk the headers are read, of Parquet files the footers. What is left when the time is over is estimated
from what was read, by bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from manifests.stores.places import is_local
from stages import images
from stages.base import Task
from stages.download.parquet.entries import opened_table
from stages.download.settings import (
    FetchedSettings,
    FolderSettings,
    ParquetSettings,
    ShardsSettings,
    SourceSettings,
    UrlsSettings,
)
from stages.download.sources import source_of
from stages.download.tar import Member, members
from stages.text import many

LIMIT_S = 3.0  # for one source
DIGITS = 3  # of an estimate

File = tuple[str, int]  # where it is, and its bytes
Clock = Callable[[], float]
Passed = tuple[int, int]  # bytes of a file that were passed, and the images found in them


@dataclass(frozen=True)
class ImageCount:
    """The images of a source, unreadable ones included; `images` is None and `why` says why where it is unknown."""

    images: int | None
    why: str = ""  # it is unknown, or an estimate

    def __str__(self) -> str:
        if self.images is None:
            return f"how many images is unknown: {self.why}"
        return f"about {many(self.images, 'image')}, {self.why}" if self.why else many(self.images, "image")


def counted(source: SourceSettings, files: int, clock: Clock = time.monotonic) -> ImageCount:
    """Count the images of a source in at most LIMIT_S; `files`: how many files were found in it."""
    if isinstance(source, FolderSettings):
        return ImageCount(files)
    if isinstance(source, UrlsSettings):
        return ImageCount(None, "nobody knows yet how many URLs can be fetched")
    if not isinstance(source, ShardsSettings | FetchedSettings | ParquetSettings):
        return ImageCount(None, f"a source of kind {source.kind} is listed by the run alone")
    tasks = source_of(source, shard_rows=1).plan()
    if isinstance(source, ParquetSettings):
        return _within_limit([(task.facts["uri"], task.facts["bytes"]) for task in tasks], _rows, clock)
    tars = [_tar(task) for task in tasks]
    if not all(is_local(uri) for uri, _ in tars):
        return ImageCount(None, "tars in a bucket are read by the run alone")
    return _within_limit(tars, _members, clock)


def _tar(task: Task) -> File:
    """Return the tar of a task; img2dataset's lies beside a table."""
    if "table" in task.facts:
        return f"{task.facts['table'].removesuffix('.parquet')}.tar", task.facts["bytes"][1]
    return task.facts["uri"], task.facts["bytes"]


def _within_limit(files: Sequence[File], look: Callable[[File], Iterator[Passed]], clock: Clock) -> ImageCount:
    ends, found, whole = clock() + LIMIT_S, 0, 0
    for file in files:
        before = found
        for passed, images_there in look(file):
            found = before + images_there
            if clock() >= ends:
                return _estimate(found, whole + passed, sum(size for _, size in files))
        whole += file[1]
    return ImageCount(found)


def _estimate(found: int, passed: int, size: int) -> ImageCount:
    if not found or not passed:
        return ImageCount(None, f"{LIMIT_S:g} s were too short to find one")
    share = min(1.0, passed / size) if size else 1.0
    text = f"estimated from the first {100 * share:.2g} % of the bytes"
    return ImageCount(int(float(f"{found / share:.{DIGITS}g}")), text)


def _members(tar: File) -> Iterator[Passed]:
    """Yield after each member of a tar on a disk how far it was read. A damaged one ends early, as for a run."""
    found = 0
    with suppress(OSError), images.opened(tar[0]) as file:
        for member in members(file):
            if isinstance(member, Member):
                found += images.is_named_as_image(member.name)
                yield member.offset + member.length, found


def _rows(table: File) -> Iterator[Passed]:
    with opened_table(table[0]) as parquet:
        yield table[1], parquet.metadata.num_rows
