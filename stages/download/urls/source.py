"""Tables of URLs as a source: stretches of them are tasks, each fetched into a tar of its own.

What was fetched is stored in `into`, a tar and a table for each list of URLs, and outlives a run: a run under another
name that requests the same list finds it there. A row of the images table is made from the URL's row and from
what became of the URL.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from manifests.counts import Counts
from stages.base import PriorState, Task
from stages.download.fetch.outcomes import OPTED_OUT
from stages.download.listing import digest
from stages.download.row import Found, Row, fields_of, looked_at, refused
from stages.download.settings import UrlsSettings
from stages.download.urls import plan
from stages.download.urls.getting import ON_THE_LIST, Got, got, opted_out
from stages.download.urls.output_folder import check_takes_files, into_of
from stages.download.urls.stretch import Asked, rows_of
from stages.download.urls.table_listing import table_at, tables
from stages.download.walk import File


@dataclass(frozen=True)
class UrlsSource:
    """Tables at `uri`, and after them the lists of URLs that are requested again."""

    source: UrlsSettings

    def external_state(self) -> dict[str, int | str]:
        """Return number, bytes and a hash of the tables.

        Raises Refused if a table lacks a column, the opt-out list cannot be read, or `into` cannot be written.
        """
        opted_out(self.source)
        check_takes_files(into_of(self.source))
        return digest(File(table.uri.rpartition("/")[2], table.uri, table.bytes) for table in tables(self.source))

    def plan(self) -> list[Task]:
        return plan.tasks(self.source)

    def extended(self, begun: PriorState) -> tuple[list[Task], list[Task]]:
        return plan.extended(self.source, begun)

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """Return a row for every row of the stretch, except those whose URL is requested again in a later list."""
        stretch = plan.stretch_of(task)
        table = table_at(self.source, stretch.table, listed=task.facts["listed"])
        asked = rows_of(stretch, dict(table.columns), table.filters(self.source))
        listed = table.uri.rpartition("/")[2] if table.listed else ""
        counting = [one for one in asked if one.url or not listed]  # the empty rows of a list were forgotten
        there = got(self.source, [one.url for one in counting if one.status is None], listed)
        rows = [row for one in counting if (row := self._row(one, stretch.table, there)) is not None]
        forgotten = there.forgotten + len(asked) - len(counting)
        aside = {"(asked for again in a later list)": there.asked_again, "(forgotten)": forgotten}
        return rows, Counts(aside=dict(+Counter(aside)))

    def _row(self, one: Asked, table: str, there: Got) -> Row | None:
        """Return the row of one URL; None if it does not count here."""
        key, fields = f"{table.rpartition('/')[2]}:{one.number}", fields_of(one.values, self.source.license)
        if one.status is not None:
            return refused(Found(self.source.name, key, f"{key} {one.url}", "", 0, 0, fields), one.status, one.sentence)
        if (outcome := there.outcomes.get(one.url)) is None:
            return None
        if (member := outcome.member) is None:
            return refused(Found(self.source.name, key, one.url, "", 0, 0, fields), outcome.status, outcome.sentence)
        found = Found(self.source.name, key, one.url, there.uri, member.offset, member.length, fields, member.fault)
        row = looked_at(found, there.index.looks.get(member.offset))
        if row["sha256"] not in there.opted.sha256:
            return row
        return refused(Found(self.source.name, key, one.url, "", 0, 0, fields), OPTED_OUT, ON_THE_LIST)
