"""Reading: vectors from entire shards as matrices, or only some rows of a manifest, whatever shards hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.errors import Unbalanced
from manifests.manifest import Manifest
from manifests.shard import Receipt

Rows = tuple[int, int]  # first row of the manifest, row after the last


def matrix(lists: pa.ChunkedArray, where: str) -> NDArray[np.float32]:
    """Return a column of lists of one length as (n, length) float32. Raises Unbalanced if a list is missing."""
    if lists.null_count:  # flatten() would leave them out and shift all that follow
        raise Unbalanced(f"{where}: {lists.null_count} images are ok but have no vector")
    whole = lists.combine_chunks()
    if not len(whole):
        return np.zeros((0, _length(lists.type)), np.float32)
    return whole.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False).reshape(len(whole), -1)


def stretches(shards: Sequence[Receipt], rows: Rows) -> Iterator[tuple[Receipt, Rows]]:
    """Split `rows` of a manifest where a shard ends: yield each shard they touch, and which of its own rows."""
    first = 0
    for shard in shards:
        start, stop = max(rows[0], first), min(rows[1], first + shard.rows)
        if start < stop:
            yield shard, (start - first, stop - first)
        first += shard.rows


def vectors_at(manifest: Manifest, encoder: str, rows: NDArray[np.int64], ids: pa.StringArray) -> NDArray[np.float32]:
    """Return (n, dim) vectors of these rows of the manifest (ascending), which must be the images `ids`.

    Only the row groups that hold them are read. Raises Unbalanced if another image is there, or no vector.
    """
    out, done = np.zeros((0, 0), np.float32), 0
    for table in tables_at(manifest, [encoder], rows, ids):
        found = matrix(table.column(encoder), f"{manifest.folder.url}, {encoder}")
        if not done:
            out = np.empty((len(rows), found.shape[1]), np.float32)
        out[done : done + len(found)] = found
        done += len(found)
    return out


def tables_at(
    manifest: Manifest, columns: Sequence[str], rows: NDArray[np.int64], ids: pa.StringArray
) -> Iterator[pa.Table]:
    """Yield these rows of the manifest (ascending), a table for each shard that holds some. Raises as `vectors_at`."""
    of_row = shards_of(manifest, rows)
    ends = np.cumsum([shard.rows for shard in manifest.shards])
    for number in np.unique(of_row):
        shard, here = manifest.shards[number], np.flatnonzero(of_row == number)
        table = manifest.read_rows(shard.name, ["image_id", *columns], rows[here] - (ends[number] - shard.rows))
        if not table.column("image_id").combine_chunks().equals(ids.take(pa.array(here))):
            raise Unbalanced(f"{manifest.folder.url}: its rows are not in the order of the sketches made of them")
        yield table


def shards_of(manifest: Manifest, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of the shard that holds each of these rows of the manifest."""
    return np.searchsorted(np.cumsum([shard.rows for shard in manifest.shards]), rows, side="right")


def dim_of(embeddings: Manifest, encoder: str) -> int | None:
    """Return the vectors' length; None if no image has a vector."""
    for shard in embeddings.shards:
        if shard.counts.ok:
            first = embeddings.read_rows(shard.name, [encoder], np.zeros(1, np.int64))
            return int(first.schema.field(encoder).type.list_size)
    return None


def directions_of(manifest: Manifest) -> NDArray[np.float64]:
    """Return the (k, dim) directions of a committed manifest."""
    rows = [row for batch in manifest.batches(["vector"]) for row in batch.column("vector").to_pylist()]
    return np.array(rows, dtype=np.float64)


def _length(kind: pa.DataType) -> int:
    return int(kind.list_size) if pa.types.is_fixed_size_list(kind) else 0
