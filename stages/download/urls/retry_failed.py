"""Retry failed: lists of URLs that failed and are requested once more, beside what was fetched.

A list is a table of URLs like any other, in columns of ours. It comes after the tables of the source, and its
URLs no longer count where they failed (fetched_table.marked): each URL still ends as one row. It applies only to
sources that make the same request of at least the tables that it was made from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.errors import Refused
from manifests.parsing import parse_json
from manifests.storage import Folder
from manifests.stores.faults import Unreachable
from manifests.tables import image_id
from stages.download.fetch.outcomes import RetryWhen, retry_when
from stages.download.settings import UrlsSettings
from stages.download.urls import fetched_table
from stages.download.urls.columns import KNOWN, NUMBERS, URL
from stages.download.urls.output_folder import into_of, request_of, tables_of

LISTS = "_again"
TABLES = b"tables"  # in the metadata: the tables that existed when the list was made
SCHEMA = pa.schema([(name, pa.float64() if name in NUMBERS else pa.string()) for name in KNOWN])


def lists_of(source: UrlsSettings, tables: Collection[str]) -> list[str]:
    """Return the URIs of the lists for a reader of these tables (uris), in the order they were made."""
    folder = into_of(source) / LISTS
    return [f"{folder.url}/{name}" for name in _names(source) if _tables(folder, name) <= set(tables)]


def may_be_asked(source: UrlsSettings, lists: Collection[str], now: datetime | None = None) -> set[str]:
    """Return the image_ids of URLs that failed, are in none of `lists`, and may be available now, by kind and time."""
    now, wait = now or datetime.now(UTC), timedelta(hours=source.fetch.again_after_h)
    into, due, taken = into_of(source), set[str](), {uri.rpartition("/")[2] for uri in lists}
    for name in tables_of(source):
        for row in fetched_table.read(into, name).to_pylist():
            counts = row["status"] != fetched_table.SUCCESS and not taken & set((row["again_in"] or "").split())
            kind = retry_when(row["status"]) if counts else RetryWhen.NEVER
            asked_at = datetime.fromisoformat(row["asked_at"])
            if kind is RetryWhen.NOW or (kind is RetryWhen.LATER and now - asked_at >= wait):
                due.add(image_id(source.name, row["url"]))
    return due


def write_lists(source: UrlsSettings, rows: Sequence[Mapping[str, Any]], tables: Collection[str]) -> list[str]:
    """Write rows (columns of ours) into new lists for readers of these tables; return the lists' URIs."""
    folder, first = into_of(source) / LISTS, len(_names(source))
    schema = SCHEMA.with_metadata({TABLES: json.dumps(sorted(tables)).encode()})
    made = []
    for place, start in enumerate(range(0, len(rows), source.shard_urls)):
        name = f"{source.name}-{request_of(source)}-{first + place:05d}.parquet"
        part = [{name: row.get(name) for name in SCHEMA.names} for row in rows[start : start + source.shard_urls]]
        fetched_table.put(folder, name, pa.Table.from_pylist(part, schema))
        made.append(f"{folder.url}/{name}")
    return made


def ids_in(source: UrlsSettings, lists: Collection[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield each of these lists with the image_ids of its URLs."""
    folder = into_of(source) / LISTS
    for uri in lists:
        urls = fetched_table.read(folder, uri.rpartition("/")[2]).column(URL).to_pylist()
        yield uri, {image_id(source.name, url) for url in urls if url is not None}


def mark(source: UrlsSettings, ids: Collection[str], uri: str) -> None:
    """Mark these URLs, in the tables of what was fetched, as requested again in the list at `uri`."""
    fetched_table.marked(into_of(source), tables_of(source), source.name, ids, uri.rpartition("/")[2])


def blotted(into: Folder, source: str, ids: Collection[str]) -> int:
    """Empty the rows of these images in all lists of a source, which keep their length; return how many there were."""
    folder, count = into / LISTS, 0
    form = re.compile(re.escape(source) + r"-[0-9a-f]{8}-\d{5}\.parquet")
    for name in sorted(name for name in folder.sizes() if form.fullmatch(name)):
        table = fetched_table.read(folder, name)
        out = pa.array([url is not None and image_id(source, url) in ids for url in table.column(URL).to_pylist()])
        if out.true_count:
            count += out.true_count
            columns = [pc.if_else(out, pa.scalar(None, column.type), column) for column in table.columns]
            fetched_table.put(folder, name, pa.Table.from_arrays(columns, schema=table.schema))
    return count


def _names(source: UrlsSettings) -> list[str]:
    form = re.compile(re.escape(f"{source.name}-{request_of(source)}") + r"-\d{5}\.parquet")
    return sorted(name for name in (into_of(source) / LISTS).sizes() if form.fullmatch(name))


def _tables(folder: Folder, name: str) -> set[str]:
    """Return the tables that a list was made from. Raises Refused if it is damaged, Unreachable if its store failed."""
    try:
        with folder.open(name) as file:
            return set(parse_json((pq.read_schema(file).metadata or {}).get(TABLES, b"[]")))
    except (Unreachable, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        why = " ".join(str(error).split())[:200]
        raise Refused(f"{folder.url}/{name} is damaged ({why}); remove it, and run with --retry-failed") from error
