"""Again: lists of URLs that failed and are asked for once more, beside what was fetched.

A list is a table of URLs like any other, in columns of ours. It comes after the tables of the source, and its
URLs no longer count where they failed (fetched_table.mark_asked_again): each URL still ends as one row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.tables import image_id
from stages.download.fetch.outcomes import Again, again
from stages.download.settings import UrlsSettings
from stages.download.urls import fetched_table
from stages.download.urls.columns import KNOWN, NUMBERS
from stages.download.urls.into import into_of

LISTS = "_again"
SCHEMA = pa.schema([(name, pa.float64() if name in NUMBERS else pa.string()) for name in KNOWN])


def lists_of(source: UrlsSettings) -> list[str]:
    """The URIs of a source's lists, in the order they were made."""
    folder = into_of(source) / LISTS
    form = re.compile(re.escape(source.name) + r"-\d{5}\.parquet")
    return [f"{folder.url}/{name}" for name in sorted(folder.sizes()) if form.fullmatch(name)]


def may_be_asked(source: UrlsSettings, now: datetime | None = None) -> set[str]:
    """The image_ids of the URLs that failed, count, and may be had by now, by kind of failure and time."""
    now, wait = now or datetime.now(UTC), timedelta(hours=source.fetch.again_after_h)
    into, due = into_of(source), set[str]()
    for name in fetched_table.tables_of(into, source.name):
        for row in fetched_table.read(into, name).to_pylist():
            kind = Again.NEVER if row["again_in"] or row["status"] == fetched_table.SUCCESS else again(row["status"])
            asked_at = datetime.fromisoformat(row["asked_at"])
            if kind is Again.NOW or (kind is Again.LATER and now - asked_at >= wait):
                due.add(image_id(source.name, row["url"]))
    return due


def write_lists(source: UrlsSettings, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Put rows (columns of ours) into new lists; their URIs."""
    folder, first = into_of(source) / LISTS, len(lists_of(source))
    made = []
    for place, start in enumerate(range(0, len(rows), source.shard_urls)):
        name = f"{source.name}-{first + place:05d}.parquet"
        part = [{name: row.get(name) for name in SCHEMA.names} for row in rows[start : start + source.shard_urls]]
        with folder.aside(name) as path:
            pq.write_table(pa.Table.from_pylist(part, SCHEMA), path)
        made.append(f"{folder.url}/{name}")
    return made


def ids_in(source: UrlsSettings, lists: Collection[str]) -> Iterator[tuple[str, set[str]]]:
    """Each of these lists with the image_ids of its URLs."""
    folder = into_of(source) / LISTS
    for uri in lists:
        with folder.open(uri.rpartition("/")[2]) as file:
            urls = pq.read_table(file, columns=["url"]).column("url").to_pylist()
        yield uri, {image_id(source.name, url) for url in urls}


def mark(source: UrlsSettings, ids: Collection[str], uri: str) -> None:
    """Say beside what was fetched that these URLs were asked for again in the list at `uri`."""
    fetched_table.mark_asked_again(into_of(source), source.name, ids, uri.rpartition("/")[2])
