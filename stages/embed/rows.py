"""Rows: the result for each image as a row of the embeddings table, a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.schema import Schema
from manifests.shard import GROUP_ROWS
from manifests.tables import OK
from stages.embed.computing import Answer


def tables(rows: pa.Table, schema: Schema, answers: Iterable[Answer]) -> Iterator[pa.Table]:
    """Turn rows of images into the same rows of embeddings, GROUP_ROWS at a time, as soon as they are complete.

    `answers` come in the order of the rows; a row without an answer was rejected earlier and keeps its reason.
    """
    stretch = _Stretch(rows, 0, schema)
    for answer in answers:
        while answer.place >= stretch.stop:
            yield stretch.table()
            stretch = _Stretch(rows, stretch.stop, schema)
        stretch.put(answer)
    yield stretch.table()
    yield from (_Stretch(rows, start, schema).table() for start in range(stretch.stop, rows.num_rows, GROUP_ROWS))


class _Stretch:
    """A range of a shard's rows while answers come in: each row ends with vectors or with a reason."""

    def __init__(self, rows: pa.Table, start: int, schema: Schema) -> None:
        here = rows.slice(start, GROUP_ROWS)
        self._start, self.stop, self._schema = start, start + GROUP_ROWS, schema
        self._ids = here.column("image_id")
        self._status: list[str] = here.column("status").to_pylist()
        self._error: list[str | None] = here.column("error").to_pylist()
        self._vectors: dict[str, NDArray[np.float32]] = {
            field.name: np.zeros((here.num_rows, field.type.list_size), np.float32)
            for field in schema.columns
            if pa.types.is_fixed_size_list(field.type)
        }

    def put(self, answer: Answer) -> None:
        row = answer.place - self._start
        if answer.refusal is not None:
            self._status[row], self._error[row] = answer.refusal.status, answer.refusal.sentence
        for name, vector in answer.vectors.items():
            self._vectors[name][row] = vector

    def table(self) -> pa.Table:
        missing = pa.array([status != OK for status in self._status], pa.bool_())
        columns = {
            "image_id": self._ids,
            "status": pa.array(self._status, pa.string()),
            "error": pa.array(self._error, pa.string()),
        }
        for name, vectors in self._vectors.items():
            columns[name] = _lists(vectors, self._schema.columns.field(name).type, missing)
        return pa.table(columns)


def _lists(vectors: NDArray[np.float32], kind: pa.FixedSizeListType, missing: pa.Array) -> pa.Array:
    """Convert (n, dim) vectors to n fixed-size lists, null where `missing`."""
    values = pa.array(vectors.ravel().astype(kind.value_type.to_pandas_dtype()), kind.value_type)
    return pa.FixedSizeListArray.from_arrays(values, type=kind, mask=missing)
