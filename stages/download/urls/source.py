"""Tables of URLs as a source: stretches of them are tasks, each fetched into a tar of its own.

What was fetched lies in `into`, a tar and a table for each list of URLs, and outlives a run: a run under another
name that asks for the same list finds it there. A row of the images table is made of the URL's row and of
what became of it.
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
    """Tables at `uri`, and after them the lists of what is asked for again."""

    source: UrlsSettings

    def external_state(self) -> dict[str, int | str]:
        """Number, bytes and a hash of the tables.

        Refused where one lacks a column, the opt-out list does not read, or `into` takes no file.
        """
        opted_out(self.source)
        check_takes_files(into_of(self.source))
        return digest(File(table.uri.rpartition("/")[2], table.uri, table.bytes) for table in tables(self.source))

    def plan(self) -> list[Task]:
        return plan.tasks(self.source)

    def extended(self, begun: PriorState) -> tuple[list[Task], list[Task]]:
        return plan.extended(self.source, begun)

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """A row for every row of the stretch, but those whose URL is asked for again in a later list."""
        stretch = plan.stretch_of(task)
        table = table_at(self.source, stretch.table, listed=task.facts["listed"])
        asked = rows_of(stretch, dict(table.columns), table.filters(self.source))
        listed = table.uri.rpartition("/")[2] if table.listed else ""
        counting = [one for one in asked if one.url or not listed]  # of a list the empty rows were forgotten
        there = got(self.source, [one.url for one in counting if one.status is None], listed)
        rows = [row for one in counting if (row := self._row(one, stretch.table, there)) is not None]
        forgotten = there.forgotten + len(asked) - len(counting)
        aside = {"(asked for again in a later list)": there.asked_again, "(forgotten)": forgotten}
        return rows, Counts(aside=dict(+Counter(aside)))

    def _row(self, one: Asked, table: str, there: Got) -> Row | None:
        """The row of one URL; None where it does not count here."""
        key, fields = f"{table.rpartition('/')[2]}:{one.number}", fields_of(one.values, self.source.licence)
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
