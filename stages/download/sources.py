"""Sources: which class reads which kind of source, and what each of them can say."""

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
    """What a kind of source can say: what is there, which tasks, and the rows of one task."""

    def external_state(self) -> dict[str, int | str]:
        """What there is now, enough to notice a change. Raises Refused where there is nothing, or nothing fit."""
        ...

    def plan(self) -> list[Task]:
        """Its tasks if none was begun; each says in `facts` whose it is: {"source": name}."""
        ...

    def extended(self, begun: PriorState) -> tuple[list[Task], list[Task]]:
        """Of the tasks begun (of this source alone) those that go on, and the new ones that come after all.

        Raises Refused where what a settled task was made of changed or is gone.
        """
        ...

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """A row for every image of one task, and the count of what is no row."""
        ...


def source_of(source: SourceSettings, shard_rows: int) -> Source:
    """What reads this source; `shard_rows`: images in a shard of a folder."""
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
