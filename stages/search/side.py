"""Side: one block of a tile: its images that are compared, and where their vectors lie."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.manifest import Manifest
from manifests.shard import GROUP_ROWS
from manifests.tables import OK
from stages.base import Reads
from stages.vectors.reading import Rows, dim_of, stretches, vectors_at


class Side:
    """The images of some rows of the sketches that are ok, and of those the ones that are no copies.

    `seen`: how many are ok. `ids`, `rows`: the images that are compared, and their rows in the manifest.
    """

    def __init__(self, reads: Reads, rows: Rows, copies: pa.StringArray, hold: int = 0) -> None:
        """`hold`: bytes of full vectors that may stay in memory, where many of them are asked for again and again."""
        self._hold, self._held, self._asked = hold, dict[str, NDArray[np.float32]](), Counter[str]()
        self._embeddings, self._sketches = reads["embeddings"], reads["sketches"]
        self.seen, first = 0, rows[0]
        ids: list[pa.Array] = []
        places = [np.zeros(0, np.int64)]
        for shard, (start, stop) in stretches(self._sketches.shards, rows):
            table = self._sketches.read(shard.name, ["image_id", "status"]).slice(start, stop - start)
            table = table.append_column("row", pa.array(np.arange(first, first + stop - start)))
            table = table.filter(pc.equal(table.column("status"), OK))
            self.seen += table.num_rows
            table = table.filter(pc.invert(pc.is_in(table.column("image_id"), copies)))
            ids += table.column("image_id").chunks
            places.append(table.column("row").to_numpy())
            first += stop - start
        self.ids = pa.chunked_array(ids, pa.string()).combine_chunks()
        self.rows = np.concatenate(places)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def sketches(self) -> NDArray[np.float32]:
        """(n, k + 1) sketches of the images."""
        return vectors_at(self._sketches, "sketch", self.rows, self.ids)

    def vectors(self, encoder: str, places: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """(n, dim) vectors of one encoder as they are stored, of all images or of these places (ascending)."""
        if places is None:
            return vectors_at(self._embeddings, encoder, self.rows, self.ids)
        if encoder not in self._held and self._worth_holding(encoder):
            self._held[encoder] = self.vectors(encoder)
        self._asked[encoder] += len(places)
        if encoder in self._held:
            return self._held[encoder][places]
        return vectors_at(self._embeddings, encoder, self.rows[places], self.ids.take(pa.array(places)))

    def _worth_holding(self, encoder: str) -> bool:
        """Whether what was asked for before lay in most row groups already, and all vectors fit."""
        if self._asked[encoder] * GROUP_ROWS < len(self) / 2:
            return False
        held = sum(vectors.nbytes for vectors in self._held.values())
        return held + len(self) * 4 * (dim_of(self._embeddings, encoder) or 0) <= self._hold


def copies_of(manifest: Manifest) -> pa.StringArray:
    """The ids of all images that another one stands for."""
    batches = [batch.column("image_id") for batch in manifest.batches(["image_id"])]
    return pa.chunked_array(batches, pa.string()).combine_chunks()
