"""Passing: the candidates of a removed image pass to the copy that takes its place, in that copy's tile.

Copies by bytes may have different vectors: the position in a batch changes float32's last digits. Their cosines are
recomputed from the stored vectors, as the search does, and pairs that fall below its floor are removed. Pairs that
rise above it by as little, one in millions, are not looked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.removal import Held, batches
from manifests.tables import CANDIDATES
from stages.removal import naming, replaced
from stages.search.tiles import numbers, tile_of
from stages.vectors.cosine import cosines
from stages.vectors.reading import matrix

SIDES = ("left_id", "right_id")
TILE = "tile"
TABLE = pa.schema([*CANDIDATES.columns, pa.field(TILE, pa.string())])


def passed(
    candidates: Held, gone: pa.StringArray, successors: Mapping[str, str], blocks: Mapping[str, int]
) -> tuple[int, pa.Table]:
    """Return how many rows name a removed image, and what becomes of those that pass on, each with its new tile.

    A row passes on if every removed image that it names has a successor. `successors`: removed image -> the copy that
    takes its place; `blocks`: the number of the block of each of these images.
    """
    found, touched = [TABLE.empty_table()], 0
    lost = gone.filter(pc.invert(pc.is_in(gone, pa.array(successors.keys(), pa.string()))))
    for tile in candidates.shards():
        for batch in batches(candidates.folder, tile):
            rows = batch.filter(naming(batch, SIDES, gone))
            touched += rows.num_rows
            if rows.num_rows:
                found.append(_become(rows.filter(pc.invert(naming(rows, SIDES, lost))), tile, successors, blocks))
    return touched, pa.concat_tables(found)


def _become(batch: pa.RecordBatch, tile: str, successors: Mapping[str, str], blocks: Mapping[str, int]) -> pa.Table:
    both = sum(numbers(tile))

    def end(side: str, other: str) -> int:
        return blocks[successors[side]] if side in successors else both - blocks[other]

    left, right = (batch.column(side) for side in SIDES)
    pairs = zip(left.to_pylist(), right.to_pylist(), strict=True)
    tiles = [tile_of(end(one, other), end(other, one)) for one, other in pairs]
    a, b = replaced(left, successors), replaced(right, successors)
    ordered = pc.less(a, b)
    cosines = [batch.column(name) for name in CANDIDATES.columns.names if name not in SIDES]
    columns = [pc.if_else(ordered, a, b), pc.if_else(ordered, b, a), *cosines, pa.array(tiles, pa.string())]
    return pa.table(columns, schema=TABLE)


def scored(rows: pa.Table, promoted: Collection[str], embeddings: Held, search: Mapping[str, Any]) -> pa.Table:
    """Return `rows`, recomputing the cosines of rows that name one of `promoted`; `search`: the search's settings."""
    other = naming(rows, SIDES, pa.array(sorted(promoted), pa.string()))
    own = rows.filter(other)
    if not own.num_rows:
        return rows
    every = pa.chunked_array([*own.column("left_id").chunks, *own.column("right_id").chunks]).unique()
    places = [pc.index_in(own.column(side), every).to_numpy().astype(np.int64) for side in SIDES]
    for column, encoder in (("blind_cosine", search["blind"]), ("reference_cosine", search["reference"])):
        vectors = _vectors(embeddings, every, encoder)
        found = pa.array(cosines(vectors, vectors, *places))
        own = own.set_column(own.column_names.index(column), rows.schema.field(column), found)
    near = own.filter(pc.greater_equal(own.column("blind_cosine"), search["min_cosine"]))
    return pa.concat_tables([rows.filter(pc.invert(other)), near])


def _vectors(embeddings: Held, ids: pa.StringArray, encoder: str) -> NDArray[np.float32]:
    """Return the (n, dim) vectors of these images, in their order."""
    found, order = [], []
    for name in embeddings.shards():
        for batch in batches(embeddings.folder, name, ("image_id", encoder)):
            here = pa.Table.from_batches([batch.filter(pc.is_in(batch.column("image_id"), ids))])
            if here.num_rows:
                found.append(matrix(here.column(encoder), f"{embeddings.folder.url}, {encoder}"))
                order.append(pc.index_in(here.column("image_id"), ids).to_numpy())
    out = np.empty_like(np.concatenate(found))
    out[np.concatenate(order)] = np.concatenate(found)
    return out
