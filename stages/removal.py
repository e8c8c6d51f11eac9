"""Removal: what becomes of each step's rows when images are removed from a run.

Everything is decided while the shards are as they were: rows of the sketches are known by their number and copies by
the image that represents them, and neither can be looked up once some shards have been rewritten. After that, a shard
is rewritten from its own rows and the decision alone, so that this can be repeated after a kill.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from manifests.counts import Counts, by_status
from manifests.removal import Held, batches, schema_of
from manifests.shard import Part, read_receipt
from manifests.storage import Folder

MOVED = "_removing.parquet"  # in the run's folder: rows that move from one shard to another
READERS = 8  # shards read at once: in a bucket each takes several requests


@dataclass(frozen=True)
class Removal:
    """The images to remove, the run's steps as they are, and what was decided about the steps so far."""

    run: Folder
    gone: pa.StringArray  # image_ids
    steps: Mapping[str, Held]  # in the run's order
    changes: dict[str, Change] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """What becomes of one step, as plain JSON. Here: each row whose key names a removed image is removed.

    Stages whose rows say more about an image than that have a subclass.
    """

    needs: ClassVar[tuple[str, ...]] = ()  # steps without which the step is left as it is
    rows: int = 0  # rows that are removed
    touched: Sequence[str] = ()  # shards that are rewritten
    successors: Mapping[str, str] = field(default_factory=dict)  # removed image -> the copy that takes its place
    tasks: Sequence[Mapping[str, Any]] = ()  # the planned tasks, if they change
    missing: Sequence[str] = ()  # shards that are removed, to be made again

    @classmethod
    def decided(cls, removal: Removal, step: str) -> Self:
        """Decide what becomes of `step`; those before it are decided. Raises Refused if that cannot be known."""
        held, names = removal.steps[step], removal.steps[step].shards()
        key = schema_of(held.folder, names[0]).key if names else ()

        def rows(name: str) -> int:
            return sum(naming(batch, key, removal.gone).true_count for batch in batches(held.folder, name, key))

        with ThreadPoolExecutor(READERS) as readers:
            found = dict(zip(names, readers.map(rows, names), strict=True)) if key else {}
        return cls(sum(found.values()), [name for name, count in found.items() if count])

    def parts(self, removal: Removal, held: Held, name: str) -> Iterator[Part]:
        """Yield a shard's new rows and counts. Of a shard that was rewritten already, they are the same again."""
        then, schema = read_receipt(held.folder, name).counts, schema_of(held.folder, name)
        rows = pa.Table.from_batches(batches(held.folder, name), schema.columns)
        out = naming(rows, schema.key, removal.gone)
        lost = by_status(rows.filter(out))
        left = {why: count - lost.rejected.get(why, 0) for why, count in then.rejected.items()}
        rejected = {why: count for why, count in left.items() if count > 0}
        yield Part(rows.filter(pc.invert(out)), Counts(then.seen - lost.seen, then.ok - lost.ok, rejected, then.aside))


def naming(rows: pa.RecordBatch | pa.Table, columns: Sequence[str], ids: pa.StringArray) -> pa.BooleanArray:
    """Return which rows name one of `ids` in one of these columns."""
    return reduce(pc.or_, (pc.is_in(rows.column(name), ids) for name in columns))


def replaced(ids: pa.StringArray, by: Mapping[str, str]) -> pa.StringArray:
    """Return `ids`, with each that is a key of `by` replaced by its value."""
    place = pc.index_in(ids, pa.array(by.keys(), pa.string()))
    return pc.coalesce(pa.array(by.values(), pa.string()).take(place), ids)
