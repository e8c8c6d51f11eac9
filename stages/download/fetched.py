"""Fetched: img2dataset's output, tars of images with a Parquet table beside each, failed URLs included.

Its keys are positions in the URL list, so an image is identified by key and URL together. A URL that it could
not fetch becomes a rejected row with its reason; so does a URL that it reports as fetched but whose image is
not in the tar (a truncated tar is noticed here).

A folder that a source of kind urls fetched is read the same way. Its tables have one more column, `again_in`: a row
that has it set was requested again in another table, and an image that no row names was forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.stores.faults import Unreachable
from manifests.stores.places import absolute, is_local
from manifests.tables import OK
from stages import images
from stages.base import PriorState, Task
from stages.download.growth import grown
from stages.download.index import Index, index_of
from stages.download.listing import digest, files_matching, listing, literally
from stages.download.row import SPELLINGS, Found, Row, fields_of, looked_at, refused
from stages.download.settings import FetchedSettings
from stages.download.shards import DUPLICATE_KEY, read_sidecars
from stages.download.store_listing import is_folder
from stages.download.tar import Member
from stages.download.walk import File

TABLE, TAR = ".parquet", ".tar"
SUCCESS = "success"
FAILED, MISSING = "failed", "missing_from_tar"
REQUIRED = ("key", "url", "status")
AGAIN_IN = "again_in"  # written only by urls/fetched_table.py
COLUMNS = (*REQUIRED, "error_message", AGAIN_IN, *(name for spellings in SPELLINGS.values() for name in spellings))


@dataclass(frozen=True)
class FetchedSource:
    """A task is one tar with its Parquet table; `uri` names the folder, or the tars by braces or glob."""

    source: FetchedSettings

    def external_state(self) -> dict[str, int | str]:
        """Return the current number, bytes, and a hash of names and sizes of the Parquet tables and the tars.

        Raises Refused if a tar has no table, because img2dataset was then stopped while it wrote that shard.
        """
        tables, tars = self._files(TABLE), self._files(TAR)
        finished = {file.uri.removesuffix(TABLE) for file in tables}
        if alone := [tar.uri for tar in tars if tar.uri.removesuffix(TAR) not in finished]:
            raise Refused(
                f"{alone[0]} has no Parquet table beside it: img2dataset did not finish it; run img2dataset again "
                "(it takes up only such shards), or move the tar away; tars of another origin are of kind: shards"
            )
        with listing(self.source), _table(tables[0].uri):
            return digest([*tables, *tars])

    def plan(self) -> list[Task]:
        tars = {tar.uri.removesuffix(TAR): tar.size for tar in self._files(TAR)}
        return [
            Task(f"{self.source.name}-{place:05d}", self._facts(table, tars.get(table.uri.removesuffix(TABLE), 0)))
            for place, table in enumerate(self._files(TABLE))
        ]

    def _facts(self, table: File, tar_bytes: int) -> dict[str, Any]:
        return {"source": self.source.name, "table": absolute(table.uri), "bytes": [table.size, tar_bytes]}

    def extended(self, begun: PriorState) -> tuple[list[Task], list[Task]]:
        """Recognize earlier files by location and bytes; new files come after them."""
        return grown(begun, self.plan())

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """Return a row for every URL of the table, and for every image of the tar that the table does not name.

        In what kind urls fetched, URLs requested again later and forgotten images get no row: they are counted aside.
        """
        table, notes = task.facts["table"], Counter[str]()
        uri = table.removesuffix(TABLE) + TAR
        index, lying, again = index_of(uri), dict[str, Member](), list[Member]()
        for member in index.pictures:
            if lying.setdefault(_stem(member), member) is not member:
                again.append(member)
        forgets, entries = _entries(table)
        named = [(entry, lying.pop(str(entry["key"]), None)) for entry in entries]
        rows = [self._row(uri, entry, member, index) for entry, member in named if entry.get(AGAIN_IN) is None]
        notes["(asked for again in a later list)"] += len(named) - len(rows)
        if forgets:
            notes["(forgotten)"] += len(lying)
        else:
            rows += [self._unnamed(uri, member, index, notes) for member in lying.values()]
        rows += [self._again(uri, member) for member in again]
        if index.damage and index.pictures:  # a row without its image says so itself; more than those may be lost
            notes[f"(tars: {index.damage.status})"] += 1
        return rows, Counts(aside=dict(+(index.aside + notes)))

    def _files(self, ending: str) -> list[File]:
        """Return the tars of the source, or the tables beside them. Raises Refused if there are none."""
        uri = self.source.uri
        with listing(self.source):
            folder = is_folder(absolute(uri))
        if not folder and not uri.endswith(TAR):
            raise Refused(f"source {self.source.name}: {uri} is neither a folder nor names tars; correct its uri")
        try:
            pattern = f"{literally(uri.rstrip('/'))}/*{ending}" if folder else uri.removesuffix(TAR) + ending
            return files_matching(self.source, pattern)
        except Refused as refusal:
            raise Refused(f"{refusal}; tars without img2dataset's Parquet beside them are of kind: shards") from refusal

    def _row(self, uri: str, entry: Mapping[str, Any], member: Member | None, index: Index) -> Row:
        key, fields = str(entry["key"]), fields_of(entry, self.source.license)
        offset, length, fault = (member.offset, member.length, member.fault) if member else (0, 0, None)
        where = uri if member else ""
        found = Found(self.source.name, key, f"{key} {entry['url']}", where, offset, length, fields, fault)
        if entry["status"] != SUCCESS:
            return refused(found, _word(entry["status"]), str(entry.get("error_message") or "img2dataset says no more"))
        if member is None:
            why = index.damage.sentence if index.damage else "the tar is whole but holds no such member"
            return refused(found, MISSING, f"img2dataset says success, but {uri} does not hold it: {why}")
        return looked_at(found, index.looks.get(offset))

    def _unnamed(self, uri: str, member: Member, index: Index, notes: Counter[str]) -> Row:
        notes["(images that the Parquet does not name)"] += 1
        fields = fields_of(read_sidecars(uri, index, member.name, notes), self.source.license)
        place = (uri, member.offset, member.length, fields, member.fault)
        found = Found(self.source.name, _stem(member), f"{_stem(member)} ", *place)
        return looked_at(found, index.looks.get(member.offset))

    def _again(self, uri: str, member: Member) -> Row:
        natural = f"{member.name} #{member.offset}"
        found = Found(self.source.name, _stem(member), natural, uri, member.offset, member.length)
        return refused(
            found, DUPLICATE_KEY, f"{uri} holds more than one image called {_stem(member)}; the first counts"
        )


def _stem(member: Member) -> str:
    return member.name.rsplit(".", 1)[0]


def _word(status: Any) -> str:
    """Return img2dataset's word for what went wrong; a foreign table may have none, or our word for success."""
    return FAILED if status in (None, "", OK) else str(status)


@contextmanager
def _table(uri: str) -> Iterator[pq.ParquetFile]:
    """Open the Parquet table at `uri`. Raises Unreachable, and Refused if it cannot be read or is not img2dataset's."""
    try:
        with images.opened(uri) as file:
            parquet = pq.ParquetFile(file, pre_buffer=not is_local(uri))
            if absent := [name for name in REQUIRED if name not in parquet.schema_arrow.names]:
                raise Refused(f"{uri} has no column {absent[0]}, so it is not img2dataset's; move it out of the folder")
            yield parquet
    except (Unreachable, MemoryError):
        raise  # a failure of the store or the machine says nothing about the table
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Refused(f"{uri} cannot be read as Parquet: {error}") from error


def _entries(uri: str) -> tuple[bool, list[Mapping[str, Any]]]:
    """Return whether images may have been removed from a table, and its rows, with only the columns used here."""
    with _table(uri) as parquet:
        columns = [name for name in COLUMNS if name in parquet.schema_arrow.names]
        return AGAIN_IN in columns, parquet.read(columns=columns).to_pylist()
