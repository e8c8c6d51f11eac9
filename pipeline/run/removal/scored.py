"""Scored: rescore candidates whose promoted copy has slightly different vectors.

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
from pipeline.run.removal.moved import SIDES, untouched
from pipeline.run.removal.rows import texts
from stages.vectors.cosine import cosines
from stages.vectors.reading import matrix


def scored(rows: pa.Table, promoted: Collection[str], embeddings: Held, search: Mapping[str, Any]) -> pa.Table:
    """Return `rows`, recomputing the cosines of rows that name one of `promoted`; `search`: the search's settings."""
    names = texts(sorted(promoted))
    same = untouched(rows, names)
    own = rows.filter(pc.invert(same))
    if not own.num_rows:
        return rows
    every = pa.chunked_array([*own.column("left_id").chunks, *own.column("right_id").chunks]).unique()
    places = [pc.index_in(own.column(side), every).to_numpy().astype(np.int64) for side in SIDES]
    table = own
    for column, encoder in (("blind_cosine", search["blind"]), ("reference_cosine", search["reference"])):
        vectors = _vectors(embeddings, every, encoder)
        table = table.set_column(
            table.column_names.index(column), rows.schema.field(column), pa.array(cosines(vectors, vectors, *places))
        )
    near = table.filter(pc.greater_equal(table.column("blind_cosine"), search["min_cosine"]))
    return pa.concat_tables([rows.filter(same), near])


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
