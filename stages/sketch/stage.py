"""Sketch: reduce each blind vector to a few numbers, and compute a digest that identifies equal images.

Shards correspond one to one to those of the embeddings, row by row. As everywhere, a vector that cannot be
compared is a row with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.counts import by_status
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import OK, SKETCHES
from stages.base import Machine, MapStage, Reads, Task
from stages.vectors.digests import digests
from stages.vectors.reading import directions_of, matrix
from stages.vectors.sketch import sketched
from stages.vectors.sound import SENTENCES, sound
from stages.vectors.threads import limit_products

ROWS = 1024  # images at a time, so that memory does not grow with the shard


class Sketch(MapStage):
    """Embeddings and directions in, the sketches table out."""

    name = "sketch"
    source = "embeddings"
    gradual = True

    def __init__(self, blind: str, reference: str) -> None:
        self.roles = (blind, reference)
        self.columns = ("image_id", "status", "error", *dict.fromkeys(self.roles))
        self._directions: NDArray[np.float64] = np.zeros((0, 0))

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"search": {"blind": self.roles[0], "reference": self.roles[1]}}

    def schema(self) -> Schema:
        return SKETCHES

    def table(self) -> tuple[str, int]:
        return SKETCHES.name, SKETCHES.version

    def setup(self, machine: Machine) -> None:
        limit_products(machine.threads)

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        """Yield the shard's sketches, ROWS at a time."""
        self._directions = directions_of(reads["directions"])
        for batch in reads["embeddings"].batches_of(task.name, self.columns or (), ROWS):
            table = self.transform(pa.Table.from_batches([batch]))
            yield Part(table, by_status(table))

    def transform(self, rows: pa.Table) -> pa.Table:
        """Turn n rows of embeddings into n rows of sketches, in the same order."""
        there = pc.equal(rows.column("status"), OK)
        ok = rows.filter(there)
        blind, reference = (matrix(ok.column(role), f"an embeddings shard, {role}") for role in self.roles)
        found = np.where((odd := sound(blind)) == "", sound(reference), odd)
        why = np.array([""] * rows.num_rows, dtype=object)
        why[there.to_numpy()] = found
        status = np.where(why == "", rows.column("status").to_numpy(), why)
        told = zip(why, rows.column("error").to_pylist(), strict=True)
        error = [SENTENCES.get(reason, earlier) for reason, earlier in told]
        out, good = pa.array(status != OK), found == ""
        columns = [rows.column("image_id"), pa.array(status, pa.string()), pa.array(error, pa.string())]
        columns += [_digests(blind[good], reference[good], out), self._sketches(blind[good], out)]
        return pa.table(columns, schema=SKETCHES.columns)

    def _sketches(self, blind: NDArray[np.float32], out: pa.BooleanArray) -> pa.ListArray:
        if not len(blind):
            return pa.nulls(len(out), SKETCHES.columns.field("sketch").type)
        directions = self._directions.reshape(len(self._directions), blind.shape[1])  # (0, dim) where there are none
        sketches = sketched(blind, directions)
        lengths = np.where(out.to_numpy(zero_copy_only=False), 0, sketches.shape[1])
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
        return pa.ListArray.from_arrays(offsets, pa.array(sketches.ravel()), mask=out)


def _digests(blind: NDArray[np.float32], reference: NDArray[np.float32], out: pa.BooleanArray) -> pa.StringArray:
    """Return one digest for each row that is not `out`, null for the others."""
    found = iter(digests(blind, reference).to_pylist())
    return pa.array([None if gone else next(found) for gone in out.to_pylist()], pa.string())
