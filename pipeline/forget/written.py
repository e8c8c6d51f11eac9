"""Written: remove what people wrote about forgotten images from their store and every frozen version."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from manifests.counts import Counts
from manifests.manifest import Removed
from manifests.removal import Held, batches, put_shard, schema_of
from manifests.shard import Part, read_receipt
from manifests.storage import Folder
from pipeline.run.layout import VERSION
from stages.author.store import Store

WRITTEN = "written by people"  # name of the store's pairs in the summary


def without_written(run: Folder, ids: Sequence[str], note: Removed, store: Path | None) -> dict[str, int]:
    """Remove all questions about pairs with these images; return version or store -> number removed.

    Can be repeated, which finishes the work of a killed process. A question is removed with both its rows.
    """
    gone = {}
    for name in sorted(name for name in run.folders() if VERSION.fullmatch(name)):
        if (held := Held.of(run / name)) is not None and (rows := _without(held, ids, note)):
            gone[name] = rows
    if store is not None:
        with closing(Store(store)) as opened:
            if pairs := opened.forget(ids):
                gone[WRITTEN] = pairs
    return gone


def _without(version: Held, ids: Sequence[str], note: Removed) -> int:
    """Remove these images from one version and return the number of rows removed."""
    if version.commit is None:  # a freeze that was killed: the next one starts again
        version.discard()
        return 0
    for name in version.shards():
        rows = pa.Table.from_batches(batches(version.folder, name), schema_of(version.folder, name).columns)
        sides = (pc.is_in(rows.column(side), pa.array(ids, pa.string())) for side in ("left_id", "right_id"))
        out = pc.or_(*sides)
        if went := int(pc.sum(out).as_py() or 0):
            then = read_receipt(version.folder, name).counts
            counts = Counts(then.seen - went // 2, then.ok - went // 2, then.rejected, then.aside)
            put_shard(version.folder, name, [Part(rows.filter(pc.invert(out)), counts)])
    receipts = version.receipts(version.shards())
    rows_gone = sum(one.rows for one in version.stated) - sum(one.rows for one in receipts)
    if receipts != version.stated:
        version.put(receipts, {}, {}, Removed(note.at, note.why, rows_gone))
    return rows_gone
