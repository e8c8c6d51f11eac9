"""What img2dataset left: tars of images with a Parquet table beside each, failed URLs included.

Its keys are positions in the URL list, so an image is named by key and URL together. A URL it could
not fetch comes along as a rejected row with its reason; one it calls fetched that is not in the tar,
too (a tar cut short is noticed here).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs

from manifests.counts import Counts
from manifests.errors import Refused
from stages import images
from stages.base import Task
from stages.download.listing import File, absolute, digest, files_matching
from stages.download.row import Found, Row, fields_of, looked_at, refused
from stages.download.settings import SourceSettings
from stages.download.shards import Index, index_of, read_sidecars
from stages.download.tar import Member

SUCCESS = "success"
MISSING = "missing_from_tar"


@dataclass(frozen=True)
class FetchedSource:
    """One tar with its Parquet is one task; `uri` names the folder, or the tars by braces or glob."""

    source: SourceSettings

    def outside(self) -> dict[str, int | str]:
        """What there is now: number, bytes, and a hash of names and sizes of the Parquet tables."""
        return digest(self._tables())

    def plan(self) -> list[Task]:
        return [
            Task(f"{self.source.name}-{place:05d}", {"source": self.source.name, "table": absolute(table.uri)})
            for place, table in enumerate(self._tables())
        ]

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """A row for every URL of the table, and for every image of the tar the table does not know."""
        uri, notes = task.facts["table"].removesuffix(".parquet") + ".tar", Counter[str]()
        index = index_of(uri)
        lying = {member.name.rsplit(".", 1)[0]: member for member in index.pictures}
        rows = [self._row(uri, entry, lying.pop(entry["key"], None), index) for entry in _entries(task.facts["table"])]
        for member in lying.values():
            notes["(images that the Parquet does not name)"] += 1
            rows.append(self._unnamed(uri, member, index, notes))
        return rows, Counts(aside=dict(index.aside + notes))

    def _tables(self) -> list[File]:
        uri = self.source.uri
        fs, path = url_to_fs(absolute(uri))
        if fs.isdir(path):
            return files_matching(self.source, uri.rstrip("/") + "/*.parquet")
        beside = SourceSettings(name=self.source.name, kind=self.source.kind, uri=uri.replace(".tar", ".parquet"))
        try:
            return files_matching(beside, beside.uri)
        except Refused as refusal:
            raise Refused(f"{refusal}; tars without img2dataset's Parquet beside them are of kind: shards") from refusal

    def _row(self, uri: str, entry: Mapping[str, Any], member: Member | None, index: Index) -> Row:
        fields = fields_of(entry, self.source.licence)
        offset, length = (member.offset, member.length) if member else (0, 0)
        natural = f"{entry['key']} {entry.get('url')}"
        found = Found(self.source.name, str(entry["key"]), natural, uri if member else "", offset, length, fields)
        if entry.get("status") != SUCCESS:
            return refused(found, str(entry.get("status")), str(entry.get("error_message")))
        if member is None:
            why = index.damage.sentence if index.damage else "the tar is whole but holds no such member"
            return refused(found, MISSING, f"img2dataset says success, but {uri} does not hold it: {why}")
        return looked_at(found)

    def _unnamed(self, uri: str, member: Member, index: Index, notes: Counter[str]) -> Row:
        stem = member.name.rsplit(".", 1)[0]
        fields = fields_of(read_sidecars(uri, index, member.name, notes), self.source.licence)
        return looked_at(Found(self.source.name, stem, f"{stem} ", uri, member.offset, member.length, fields))


def _entries(uri: str) -> Iterator[Mapping[str, Any]]:
    """Rows of img2dataset's table, a batch at a time."""
    try:
        with images.opened(uri) as file:
            for batch in pq.ParquetFile(file).iter_batches(4096):
                yield from batch.to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise Refused(f"{uri} cannot be read as Parquet: {error}") from error
