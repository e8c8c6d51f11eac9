"""The Download stage without a pipeline: every row of a source, with the count that nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from manifests.counts import Counts
from stages.download.settings import DownloadSettings
from stages.download.stage import Download

NOBODY = 65534


@dataclass(frozen=True)
class Downloaded:
    """All rows of all tasks, in order, and their counts together."""

    rows: list[dict[str, Any]]
    counts: Counts

    @property
    def by_key(self) -> dict[str, dict[str, Any]]:
        assert len({row["key"] for row in self.rows}) == len(self.rows)
        return {row["key"]: row for row in self.rows}

    @property
    def statuses(self) -> dict[str, str]:
        return {key: row["status"] for key, row in self.by_key.items()}

    @property
    def ok(self) -> list[str]:
        return [row["key"] for row in self.rows if row["status"] == "ok"]


def stage_of(kind: str, uri: str | Path, *, shard_rows: int = 1000, **source: Any) -> Download:
    """A stage with one source called `some`."""
    values = {"name": "some", "kind": kind, "uri": str(uri), **source}
    return Download(DownloadSettings.model_validate({"sources": [values], "shard_rows": shard_rows}))


def downloaded(stage: Download) -> Downloaded:
    """Look at the source, plan, and make every task's rows, as a run does; each row keeps what every row must."""
    stage.external_state()
    parts = [part for task in stage.plan({}) for part in stage.process(task, {})]
    counts = Counts()
    for part in parts:
        part.counts.check("a shard")
        counts += part.counts
    rows = pa.concat_tables([stage.schema().conform(part.table) for part in parts]).to_pylist() if parts else []
    assert counts.seen == len(rows)
    for row in rows:
        assert (row["status"] == "ok") == (row["error"] is None)
    return Downloaded(rows, counts)


def download(kind: str, uri: str | Path, *, shard_rows: int = 1000, **source: Any) -> Downloaded:
    return downloaded(stage_of(kind, uri, shard_rows=shard_rows, **source))


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to read everything. Root is taken back at the end."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
