"""Fetched table: what became of the URLs of one list, in a Parquet table beside the tar of their images.

It has the columns of img2dataset's own (`key`, `url`, `status`, `error_message`, `sha256`), so that what lies in
the folder can be read as a source of kind img2dataset too. A tar and its table are named by what was asked
for, a hash of the URLs in order: whoever asks for the same list again finds it there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.storage import Folder
from manifests.tables import OK, image_id

TABLE, TAR = ".parquet", ".tar"
LISTED = b"listed"  # in the metadata: the list by which its URLs were asked for again; empty: a table of the source
SUCCESS = "success"  # img2dataset's word for what we call ok
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string()),  # the member of the tar, without its ending
        pa.field("url", pa.string()),
        pa.field("status", pa.string()),  # success, or one word
        pa.field("error_message", pa.string()),
        pa.field("sha256", pa.string()),  # of the bytes as served
        pa.field("asked_at", pa.string()),  # UTC, to the second
        pa.field("again_in", pa.string()),  # the list in which it was asked for again; null: this row counts
    ]
)


def stem_of(source: str, urls: Sequence[str], resize: int | None, listed: str = "") -> str:
    """What the tar of these URLs is called; `listed`: the list by which they are asked for again."""
    text = "\n".join([f"resize {resize}", listed, *urls])
    return f"{source}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


def write(into: Folder, stem: str, urls: Sequence[str], outcomes: pa.Table, listed: str = "") -> None:
    """Write the table of these URLs: `outcomes` is what fetch.fetching gives, in their order."""
    status = outcomes.column("status")
    values = {
        "key": outcomes.column("key"),
        "url": pa.array(urls, pa.string()),
        "status": pc.if_else(pc.equal(status, OK), SUCCESS, status),
        "error_message": outcomes.column("error"),
        "sha256": outcomes.column("sha256"),
        "asked_at": outcomes.column("asked_at"),
        "again_in": pa.nulls(len(urls), pa.string()),
    }
    _put(into, stem + TABLE, pa.table(values, SCHEMA.with_metadata({LISTED: listed.encode()})))


def read(into: Folder, name: str) -> pa.Table:
    """One table, by its file's name."""
    with into.open(name) as file:
        return pq.read_table(file)


def tables_of(into: Folder, source: str) -> list[str]:
    """The names of the tables of a source."""
    form = re.compile(re.escape(source) + r"-[0-9a-f]{16}" + re.escape(TABLE))
    return [name for name in into.sizes() if form.fullmatch(name)]


def erase(into: Folder, source: str, ids: Collection[str]) -> int:
    """Take the rows of these images out of the source's tables; how many there were."""
    gone, count = set(ids), 0
    for name in tables_of(into, source):
        table = read(into, name)
        which = _is_in(table, source, gone)
        if which.true_count:
            count += which.true_count
            _put(into, name, table.filter(pc.invert(which)))
    return count


def mark_asked_again(into: Folder, source: str, ids: Collection[str], where: str) -> int:
    """Say of the rows of these images that they were asked for again in the list `where`; how many it was news of.

    Not of those that were fetched by this list, or by a later one.
    """
    gone, count = set(ids), 0
    for name in tables_of(into, source):
        table = read(into, name)
        if (table.schema.metadata or {}).get(LISTED, b"").decode() >= where:
            continue
        which = pc.and_(_is_in(table, source, gone), pc.is_null(table.column("again_in")))
        if news := pc.sum(which).as_py():
            count += news
            marks = pc.if_else(which, where, table.column("again_in"))
            _put(into, name, table.set_column(SCHEMA.get_field_index("again_in"), SCHEMA.field("again_in"), marks))
    return count


def _is_in(table: pa.Table, source: str, ids: set[str]) -> pa.Array:
    return pa.array([image_id(source, url) in ids for url in table.column("url").to_pylist()], pa.bool_())


def _put(into: Folder, name: str, table: pa.Table) -> None:
    with into.aside(name) as path:
        pq.write_table(table, path, compression="zstd")
