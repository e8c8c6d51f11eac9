"""Side: one block of a tile, with the images that are compared and where their vectors are stored."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.errors import Damaged
from manifests.manifest import Manifest
from manifests.shard import GROUP_ROWS, SUFFIX
from manifests.tables import OK
from stages.base import Reads
from stages.vectors.digests import digests
from stages.vectors.reading import Rows, dim_of, shards_of, stretches, tables_at, vectors_at

CHECKED = 4096  # images whose vectors are checked against their digests at a time


class Side:
    """The images of a range of sketch rows that are ok and are not copies.

    `seen`: the number of ok images, copies included. `ids`, `rows`: the images that are compared, and their rows in the
    manifest.
    """

    def __init__(
        self,
        reads: Reads,
        rows: Rows,
        copies: pa.StringArray,
        hold: int = 0,
        roles: tuple[str, str] | None = None,
    ) -> None:
        """Read the ids and rows of the images.

        `hold`: bytes of full vectors that may stay in memory when many of them are requested repeatedly.
        `roles`: the blind and the reference encoder, from whose vectors the sketches' digests were computed.
        """
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
        with_digests = np.array([bool(shard.digest) for shard in self._embeddings.shards], bool)
        self._roles, self._proven = roles, with_digests[shards_of(self._embeddings, self.rows)]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def sketches(self) -> NDArray[np.float32]:
        """The sketches of the images, (n, k + 1)."""
        return vectors_at(self._sketches, "sketch", self.rows, self.ids)

    def vectors(self, encoder: str, places: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return the stored (n, dim) vectors of one encoder, for all images or for the given places (ascending).

        Raises Damaged if they are not the vectors that the sketches were made from.
        """
        self._prove(np.arange(len(self)) if places is None else places)
        if places is None:
            return vectors_at(self._embeddings, encoder, self.rows, self.ids)
        if encoder not in self._held and self._worth_holding(encoder):
            self._held[encoder] = self.vectors(encoder)
        self._asked[encoder] += len(places)
        if encoder in self._held:
            return self._held[encoder][places]
        return vectors_at(self._embeddings, encoder, self.rows[places], self.ids.take(pa.array(places)))

    def _prove(self, places: NDArray[np.int64]) -> None:
        """Check the vectors of shards without their own digests against the sketches' digests, once per image."""
        left = places[~self._proven[places]]
        for start in range(0, len(left) if self._roles else 0, CHECKED):
            here = left[start : start + CHECKED]
            rows, ids = self.rows[here], self.ids.take(pa.array(here))
            stated = pa.concat_tables(tables_at(self._sketches, ["digest"], rows, ids)).column("digest")
            found = digests(*(vectors_at(self._embeddings, role, rows, ids) for role in self._roles or ()))
            odd = pc.fill_null(pc.not_equal(stated, found), False)
            if pc.any(odd).as_py():
                raise Damaged(self._changed(rows[odd.to_numpy()]))
            self._proven[here] = True

    def _changed(self, rows: NDArray[np.int64]) -> str:
        folder = self._embeddings.folder.url
        shard = self._embeddings.shards[shards_of(self._embeddings, rows)[0]].name
        return (
            f"{folder}/{shard}{SUFFIX} was changed since the sketches were made of it; put the old file back, "
            f"or remove the folder {folder} and those after it to make them again"
        )

    def _worth_holding(self, encoder: str) -> bool:
        """Whether earlier requests already touched most row groups, and all vectors fit in memory."""
        if self._asked[encoder] * GROUP_ROWS < len(self) / 2:
            return False
        held = sum(vectors.nbytes for vectors in self._held.values())
        return held + len(self) * 4 * (dim_of(self._embeddings, encoder) or 0) <= self._hold


def copies_of(manifest: Manifest) -> pa.StringArray:
    """Return the ids of all images that are represented by another image."""
    batches = [batch.column("image_id") for batch in manifest.batches(["image_id"])]
    return pa.chunked_array(batches, pa.string()).combine_chunks()
