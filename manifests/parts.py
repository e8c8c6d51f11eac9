"""Parts: regroup the rows of a shard, so that its bytes depend on the rows alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from manifests.counts import Counts
from manifests.schema import Schema
from manifests.shard import Part


def regrouped(parts: Iterable[Part], schema: Schema, rows: int) -> Iterator[Part]:
    """Yield the rows and counts of these parts in new parts of `rows` rows each, the last one shorter.

    Where the old parts ended does not show in what is written.
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
    """Join the chunks of each column: where they end decides where the writer ends a page or a dictionary."""
    return table.combine_chunks()
