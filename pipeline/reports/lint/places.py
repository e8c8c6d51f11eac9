"""Places: list what is stored at SOURCE: tars, files that img2dataset left, image files, Parquet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Protocol

from manifests.errors import Refused
from manifests.stores.places import absolute, is_local, place
from pipeline.reports.lint.fetched import Beside
from pipeline.reports.lint.files import Pictures
from pipeline.reports.lint.source_listing import STATS, SourceListing
from pipeline.reports.lint.tables import ImageTable
from pipeline.reports.lint.tally import Tally
from pipeline.reports.lint.tars import TarShard
from stages.download.fetched import TABLE, TAR
from stages.download.listing import files_below, files_matching, listing
from stages.download.settings import ShardsSettings
from stages.download.store_listing import is_folder
from stages.download.store_walk import listed
from stages.download.walk import File


class Shard(Protocol):
    """One file, or all files of a folder, to check."""

    @property
    def file(self) -> str: ...

    @property
    def size(self) -> int: ...

    def look(self, tally: Tally) -> None: ...

    def names(self) -> Iterable[str]: ...


@dataclass(frozen=True)
class Found:
    """The shards of a source, their kind, and what else is stored there."""

    kind: str
    shards: Sequence[Shard]
    files: int
    there: SourceListing


def found(source: str) -> Found:
    """List `source`. Raises Refused where nothing is there, it cannot be listed, or no file is of a known kind."""
    uri = absolute(source)
    settings = ShardsSettings(name="source", kind="shards", uri=uri)
    there = SourceListing()
    try:
        with listing(settings):
            in_folder = is_folder(uri)
            for file in files_below(uri) if in_folder else _named_apart(files_matching(settings, uri)):
                there.add(file, all_pictures=not in_folder)
            if not in_folder:
                _add_neighbours(there)
    except Refused as refusal:
        raise Refused(_of_lint(str(refusal))) from refusal
    return _sorted(uri, there, in_folder=in_folder)


def _of_lint(sentence: str) -> str:
    """Reword a refusal written for a recipe for a command that has no recipe."""
    return sentence.removeprefix("source source: ").replace("; correct images.sources ... uri", "; correct the path")


def _sorted(uri: str, there: SourceListing, *, in_folder: bool) -> Found:
    if there.tars:
        return Found("img2dataset" if there.is_fetched else "tars", _tars(there), len(there.tars), there)
    if there.pictures:
        return Found("folder", list(_pictures(uri, there, in_folder=in_folder)), there.picture_count, there)
    if there.tables:
        tables = sorted(there.tables.values(), key=lambda file: file.name)
        return Found("parquet", [ImageTable(file.name, file.uri, file.size) for file in tables], len(tables), there)
    seen = f"{there.others + len(there.jsons) + len(there.faults):,} other files"
    raise Refused(f"{uri} holds no tar, no image file and no Parquet ({seen}); correct the path")


def _tars(there: SourceListing) -> list[Shard]:
    shards: list[Shard] = []
    for stem, tar in there.stems.items():
        table, stats = there.tables.get(stem), there.stats.get(stem)
        beside = Beside(table.uri if table else None, stats.uri if stats else None) if there.is_fetched else None
        shards.append(TarShard(tar.name, tar.uri, tar.size, beside))
    return shards


def _pictures(uri: str, there: SourceListing, *, in_folder: bool) -> Iterator[Pictures]:
    """Yield stretches of a folder; the last one is open, since other files may follow the last image."""
    if not in_folder:
        yield Pictures(uri, there.picture_bytes, tuple(there.pictures))
        return
    after, before = None, 0
    for to, passed in there.cuts:
        yield Pictures(uri, passed - before, after=after, to=to)
        after, before = to, passed
    yield Pictures(uri, there.picture_bytes - before, after=after)


def _named_apart(files: list[File]) -> list[File]:
    """Return the files matching a pattern, each named by its path below their common folder."""
    parts = [file.uri.split("/")[:-1] for file in files]
    same = list(takewhile(lambda level: len(set(level)) == 1, zip(*parts)))
    return [replace(file, name=file.uri.split("/", len(same))[-1]) for file in files]


def _add_neighbours(there: SourceListing) -> None:
    """Add the files img2dataset left beside the named tars, and files there that would cause it trouble."""
    stems = {file.uri.removesuffix(TAR): file.name.removesuffix(TAR) for file in there.tars}
    known = {f"{stem}{ending}": f"{name}{ending}" for stem, name in stems.items() for ending in (TABLE, STATS)}
    beside = {stem.rpartition("/")[0]: name.rpartition("/")[0] for stem, name in stems.items()}
    for folder, called in beside.items():
        for file in _in_folder(folder):
            foreign = file.uri.endswith(".json") and not file.uri.endswith(STATS)
            if file.uri in known or foreign:
                name = known.get(file.uri) or f"{called}/{file.name}".lstrip("/")
                there.add(replace(file, name=name), all_pictures=False)


def _in_folder(folder: str) -> Iterator[File]:
    if is_local(folder):
        with os.scandir(place(folder)[1]) as entries:
            for entry in entries:
                if entry.is_file():
                    yield File(entry.name, os.path.join(folder, entry.name), entry.stat().st_size)
    else:
        for name, at in listed(folder).items():
            if at is not None:
                yield File(name, at.uri, at.size)
