"""Download: one row for every image of a source, saying where its bytes are stored. Nothing is copied.

There are six kinds of source, one small class each, selected by `kind` (sources.py). A task is a stretch of a folder
or of a table of URLs, or one tar.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pyarrow as pa

from manifests.counts import Counts, by_status
from manifests.earlier_tables import IMAGES_2
from manifests.errors import Refused
from manifests.schema import Schema
from manifests.shard import Part
from manifests.stores.places import absolute
from manifests.tables import IMAGES
from stages.base import OnGrowth, PriorState, Reads, Stage, Task
from stages.download.row import TURNED
from stages.download.settings import DownloadSettings, SourceSettings, UrlsSettings, as_in_version_2
from stages.download.sources import Source, source_of

PATHS = ("uri", "into", "truth")  # settings of a source that name a location


class Download(Stage):
    """Sources in, the images table out."""

    name = "download"
    on_growth = OnGrowth.EXTENDED

    def __init__(self, settings: DownloadSettings, images: Schema = IMAGES) -> None:
        """`images`: the table to write; IMAGES_2 continues a run that was begun with that version."""
        self.download, self._images = settings, images

    @property
    def settings(self) -> Mapping[str, Any]:
        values = self.download.model_dump(mode="json")
        return {"images": {**values, "sources": {one["name"]: self._as_told(one) for one in values["sources"]}}}

    def _as_told(self, source: Mapping[str, Any]) -> dict[str, Any]:
        told = _as_told(source)
        return as_in_version_2(told) if self._images is IMAGES_2 else told

    def as_begun(self, table: str) -> Download:
        return Download(self.download, IMAGES_2 if table == f"{IMAGES_2.name} {IMAGES_2.version}" else IMAGES)

    def schema(self) -> Schema:
        return self._images

    def table(self) -> tuple[str, int]:
        return self._images.name, self._images.version

    def external_state(self) -> Mapping[str, Any]:
        """Return number, bytes and a hash of the files of each source. Raises Refused if there are none."""
        return {"found": {source.name: self._source(source).external_state() for source in self.download.sources}}

    def plan(self, reads: Reads) -> list[Task]:
        return [task for source in self.download.sources for task in self._source(source).plan()]

    def covers(self, settings: Mapping[str, Any]) -> bool:
        """Return whether only sources were added since, or files are named differently: `extended` checks these."""
        then, now = settings["images"], self.settings["images"]
        alike = ({**one, "sources": None} for one in (then, now))
        grow = {source.name for source in self.download.sources if source.grows}
        return next(alike) == next(alike) and all(
            _as_named(source, name in grow) == _as_named(now["sources"][name], name in grow)
            for name, source in then["sources"].items()
            if name in now["sources"]
        )

    def extended(self, begun: PriorState, reads: Reads) -> list[Task]:
        """Put the tasks of new tars and tables after those that were there."""
        _check_none_left_out(begun, {source.name for source in self.download.sources})
        both = [self._extended(source, begun) for source in self.download.sources]
        order = {task.name: place for place, task in enumerate(begun.tasks)}
        kept = sorted((task for old, _ in both for task in old), key=lambda task: order[task.name])
        return kept + [task for _, new in both for task in new]

    def _extended(self, source: SourceSettings, begun: PriorState) -> tuple[list[Task], list[Task]]:
        """Return the tasks of one source that are kept, and its new tasks. Raises Refused if it did more than grow."""
        tasks = tuple(task for task in begun.tasks if task.facts["source"] == source.name)
        settled = sum(1 for task in begun.tasks[: begun.settled] if task.facts["source"] == source.name)
        then = begun.external_state["found"].get(source.name, {})
        return self._source(source).extended(PriorState(tasks, settled, then))

    def failed(self, task: Task, counts: Counts, reads: Reads) -> tuple[int, int]:
        source = self._named(task.facts["source"])
        if isinstance(source, UrlsSettings):  # fetching judges by the URLs it requested (fetch.min_fetched)
            return 0, counts.seen
        return counts.lost, counts.seen

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        rows, aside = self._source(self._named(task.facts["source"])).rows(task)
        table = pa.Table.from_pylist(rows, schema=IMAGES.columns)
        turned = sum(bool(row.get(TURNED)) for row in rows)
        aside += Counts(aside={f"({TURNED}, embedded as stored)": turned} if turned else {})
        yield Part(table.rename_columns(self._images.columns.names), by_status(table) + aside)

    def _named(self, name: str) -> SourceSettings:
        return next(source for source in self.download.sources if source.name == name)

    def _source(self, source: SourceSettings) -> Source:
        return source_of(source, self.download.shard_rows)


def _check_none_left_out(begun: PriorState, names: Collection[str]) -> None:
    """Check that only sources added by a growth that is not yet committed were withdrawn. Raises Refused."""
    gone = [task for task in begun.tasks[: begun.settled] if task.facts["source"] not in names]
    if gone:
        raise Refused(f"the source {gone[0].facts['source']} is no longer in the recipe")


def _as_told(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source's settings as recorded in the lineage: full paths, without settings that change no ok row.

    Whether hidden files are read is seen in the files that are found.
    """
    paths = {name: absolute(source[name]) for name in PATHS if source.get(name)}
    return {name: value for name, value in source.items() if name not in ("fetch", "hidden")} | paths


def _as_named(source: Mapping[str, Any], grows: bool) -> Mapping[str, Any]:
    """Return a source's settings, without the location of its files if each file is recognized by itself."""
    return {**source, "uri": None} if grows else source
