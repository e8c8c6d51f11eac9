"""Fetched tables: what became of the URLs of one list, in a Parquet table beside the tar of their images.

It has the columns of img2dataset's own tables (`key`, `url`, `status`, `error_message`, `sha256`), so that the
folder can also be read as a source of kind img2dataset. Tar and table are named after the request
(output_folder.py): another run with the same request finds them there. The last part of the name is random: two
machines that fetch the same list at the same time write two of each, and neither replaces the other's bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.errors import Refused
from manifests.storage import Folder
from manifests.stores.faults import Unreachable
from manifests.tables import OK, image_id

TABLE, TAR = ".parquet", ".tar"
SUCCESS = "success"  # img2dataset's word for what we call ok
LISTED = b"listed"  # in the metadata: the list that requested its URLs again; empty: a table of the source
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string()),  # the member of the tar, without its ending
        pa.field("url", pa.string()),
        pa.field("status", pa.string()),  # success, or one word
        pa.field("error_message", pa.string()),
        pa.field("sha256", pa.string()),  # of the bytes as served
        pa.field("asked_at", pa.string()),  # UTC, to the second
        pa.field("again_in", pa.string()),  # the lists in which it was requested again, separated by blanks; null: none
    ]
)


def write(into: Folder, name: str, urls: Sequence[str], outcomes: pa.Table, listed: str = "") -> None:
    """Write the table of these URLs: `outcomes` is what fetch.fetching returns, in their order."""
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
    put(into, name, pa.table(values, SCHEMA.with_metadata({LISTED: listed.encode()})))


def read(into: Folder, name: str) -> pa.Table:
    """Read one table by its file name. Raises Refused if it is damaged, Unreachable if its store failed."""
    try:
        with into.open(name) as file:
            return pq.read_table(file)
    except (Unreachable, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise Refused(f"{into.url}/{name} is damaged ({why}); remove it, and its URLs are fetched again") from error


def erased(into: Folder, names: Collection[str], source: str, ids: Collection[str]) -> int:
    """Remove the rows of these images from these tables; return how many there were."""
    gone = set(ids)
    return sum(_changed(into, names, lambda table: pc.invert(_is_in(table, source, gone)), pa.Table.filter))


def marked(into: Folder, names: Collection[str], source: str, ids: Collection[str], where: str) -> int:
    """Mark the failed rows of these images as requested again in the list `where`.

    Rows that were fetched by this list or a later one are left out. Return how many rows were not marked before.
    """
    wanted = set(ids)

    def failed(table: pa.Table) -> pa.Array:
        known = pa.array([where in (lists or "").split() for lists in table.column("again_in").to_pylist()], pa.bool_())
        lost = pc.and_(pc.not_equal(table.column("status"), SUCCESS), pc.invert(known))
        later = (table.schema.metadata or {}).get(LISTED, b"").decode() >= where
        return pc.invert(pc.and_(pc.and_(lost, _is_in(table, source, wanted)), not later))

    def with_mark(table: pa.Table, kept: pa.Array) -> pa.Table:
        before = table.column("again_in")
        marks = pc.if_else(kept, before, pc.binary_join_element_wise(pc.fill_null(before, ""), where, " "))
        return table.set_column(SCHEMA.get_field_index("again_in"), SCHEMA.field("again_in"), pc.utf8_trim(marks, " "))

    return sum(_changed(into, names, failed, with_mark))


def urls_of(into: Folder, names: Collection[str], hashes: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (url, hash) of each row whose bytes as served have one of these sha256."""
    for name in names:
        table = read(into, name)
        rows = table.filter(pc.is_in(table.column("sha256"), pa.array(sorted(hashes), pa.string())))
        yield from zip(rows.column("url").to_pylist(), rows.column("sha256").to_pylist(), strict=True)


def put(into: Folder, name: str, table: pa.Table) -> None:
    """Write a table completely or not at all."""
    with into.aside(name) as path:
        pq.write_table(table, path, compression="zstd")


def _changed(
    into: Folder,
    names: Collection[str],
    kept: Callable[[pa.Table], pa.Array],
    change: Callable[[pa.Table, pa.Array], pa.Table],
) -> Iterator[int]:
    """Change each table in which some rows are not `kept` as they are; yield how many are not, for each."""
    for name in names:
        table = read(into, name)
        stay = kept(table)
        if others := pc.sum(pc.invert(stay)).as_py():  # null where the table is empty
            put(into, name, change(table, stay))
            yield int(others)


def _is_in(table: pa.Table, source: str, ids: set[str]) -> pa.Array:
    named = [url is not None and image_id(source, url) in ids for url in table.column("url").to_pylist()]
    return pa.array(named, pa.bool_())
