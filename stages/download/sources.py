"""Sources: which class reads which kind of source, and the interface that all of them share."""

from __future__ import annotations

from typing import Protocol

from manifests.counts import Counts
from stages.base import PriorState, Task
from stages.download.fetched import FetchedSource
from stages.download.folder import FolderSource
from stages.download.imagenet.source import ImagenetSource
from stages.download.parquet.source import ParquetSource
from stages.download.row import Row
from stages.download.settings import (
    FetchedSettings,
    FolderSettings,
    ImagenetSettings,
    ParquetSettings,
    ShardsSettings,
    SourceSettings,
    UrlsSettings,
)
from stages.download.shards import ShardsSource
from stages.download.urls.source import UrlsSource


class Source(Protocol):
    """The interface of a kind of source: what is there, its tasks, and the rows of one task."""

    def external_state(self) -> dict[str, int | str]:
        """Describe what there is now, enough to notice a change. Raises Refused if there is nothing usable."""
        ...

    def plan(self) -> list[Task]:
        """Return its tasks if none was begun; each names its source in `facts`: {"source": name}."""
        ...

    def extended(self, begun: PriorState) -> tuple[list[Task], list[Task]]:
        """Return the tasks begun (of this source alone) that are kept, and the new tasks that come after all of them.

        Raises Refused if what a settled task was made from changed or is gone.
        """
        ...

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """Return a row for every image of one task, and the counts of anything that is not a row."""
        ...


def source_of(source: SourceSettings, shard_rows: int) -> Source:
    """Return the reader of this source; `shard_rows`: images in a shard of a folder."""
    if isinstance(source, FolderSettings):
        return FolderSource(source, shard_rows)
    if isinstance(source, ShardsSettings):
        return ShardsSource(source)
    if isinstance(source, FetchedSettings):
        return FetchedSource(source)
    if isinstance(source, UrlsSettings):
        return UrlsSource(source)
    if isinstance(source, ParquetSettings):
        return ParquetSource(source)
    if isinstance(source, ImagenetSettings):
        return ImagenetSource(source, shard_rows)
    raise TypeError(f"nothing reads a source of kind {source.kind}")
