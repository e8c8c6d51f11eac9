"""Stretch: the rows that one task reads from a table of URLs, and whether each is to be fetched, or why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from manifests.errors import Refused
from stages.download.urls.columns import URL
from stages.download.urls.partition import Stretch, unpacked
from stages.download.urls.tables import lots
from stages.download.urls.where import Bound, first_missed

FILTERED, DUPLICATE, BAD_URL = "filtered", "duplicate_url", "bad_url"


@dataclass(frozen=True)
class Asked:
    """One row of a table: its number there, its columns by our names, and why it is not to be fetched."""

    number: int
    values: Mapping[str, Any]
    status: str | None = None
    sentence: str = ""

    @property
    def url(self) -> str:
        return self.values[URL] or ""


def rows_of(stretch: Stretch, columns: Mapping[str, str], filters: Sequence[Bound]) -> list[Asked]:
    """Return every row of the stretch, in order. Raises Refused if the table has fewer rows than were planned."""
    table = _read(stretch, columns)
    missed = first_missed(table, filters)
    has_url = table.column(URL).is_valid().to_numpy(zero_copy_only=False).astype(bool)
    again = np.zeros(table.num_rows, bool)
    if stretch.again:
        again[np.flatnonzero(has_url & (missed < 0))] = unpacked(stretch.again, stretch.urls)
    return [
        Asked(stretch.first + place, values, *_why_not(values, filters, int(missed[place]), bool(again[place])))
        for place, values in enumerate(table.to_pylist())
    ]


def _why_not(values: Mapping[str, Any], filters: Sequence[Bound], missed: int, again: bool) -> tuple[str | None, str]:
    if values[URL] is None:
        return BAD_URL, "the row has no URL"
    if missed >= 0:
        return FILTERED, filters[missed].sentence(values)
    if again:
        return DUPLICATE, "an earlier row of the source's tables has this URL; it counts"
    return None, ""


def _read(stretch: Stretch, columns: Mapping[str, str]) -> pa.Table:
    parts = list(_parts(stretch, columns))
    table = pa.concat_tables(parts) if parts else pa.table({})
    if table.num_rows != stretch.rows:
        raise Refused(
            f"{stretch.table} changed while it was read: {table.num_rows} rows from row {stretch.first} on, "
            f"{stretch.rows} planned; name a new run"
        )
    return table


def _parts(stretch: Stretch, columns: Mapping[str, str]) -> Iterator[pa.Table]:
    wanted = stretch.rows
    for lot in lots(stretch.table, columns, stretch.start):
        yield lot.rows.slice(0, wanted)
        wanted -= min(wanted, lot.rows.num_rows)
        if not wanted:
            return
