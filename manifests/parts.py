"""Parts: the rows of a shard cut anew, so that its bytes depend on the rows alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from manifests.counts import Counts
from manifests.schema import Schema
from manifests.shard import Part


def regrouped(parts: Iterable[Part], schema: Schema, rows: int) -> Iterator[Part]:
    """The rows and counts of these parts in parts of so many rows, the last of them less.

    Where parts ended before does not show in what is written of them.
    """
    waiting, counts = schema.conform(schema.columns.empty_table()), Counts()
    for part in parts:
        counts += part.counts
        waiting = pa.concat_tables([waiting, schema.conform(part.table)])
        while waiting.num_rows >= rows:
            yield Part(_one_piece(waiting.slice(0, rows)), Counts())
            waiting = waiting.slice(rows)
    yield Part(_one_piece(waiting), counts)


def _one_piece(table: pa.Table) -> pa.Table:
    """Where the writer ends a page, or a dictionary, depends on where the pieces of a column end."""
    return table.combine_chunks()
