"""Shards that somebody rewrites in place, with as many bytes as before: what a size does not show."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import manifests.shard
from manifests.removal import schema_of
from manifests.shard import Part, read_receipt, write_shard
from manifests.storage import Folder

WAYS = ("by a script", "below the old footer")


def rewrite(path: Path, columns: Sequence[str], way: str, rows: slice = slice(None)) -> None:
    """Let values of these columns that are not null change places, among `rows` and within their row groups.

    `below the old footer`: the pages alone are new. Size, counts, statistics and digests stay as they were, and
    every page has the checksum of what is in it. Checksums are numbers of one to five bytes: orders are tried until
    the size is the same.
    """
    folder, name, old = Folder(str(path.parent)), path.stem, path.read_bytes()
    receipt, schema, table = read_receipt(folder, name), schema_of(folder, name), pq.read_table(path)
    groups = pq.read_metadata(path)
    ends = np.cumsum([groups.row_group(group).num_rows for group in range(groups.num_row_groups)])
    for seed in count():
        part = Part(shuffled(table, columns, ends, rows, seed).cast(schema.columns), receipt.counts)
        with pytest.MonkeyPatch.context() as patch:
            if not receipt.digest:
                without_digests(patch)
            write_shard(folder, name, schema, [part], computed=receipt.computed)
        new = path.read_bytes()
        if new[: body_of(new)] != old[: body_of(old)] and len(new) == len(old) and body_of(new) == body_of(old):
            break
        assert seed < 500, "no order of the rows has the old size"
    if way == "below the old footer":
        path.write_bytes(new[: body_of(new)] + old[body_of(old) :])


def shuffled(table: pa.Table, columns: Sequence[str], ends: np.ndarray, rows: slice, seed: int) -> pa.Table:
    random, places = np.random.default_rng(seed), np.arange(len(table))
    for name in columns:
        there, order = table.column(name).is_valid().to_numpy(), places.copy()
        for group in np.split(places, ends[:-1]):
            here = group[there[group] & np.isin(group, places[rows])]
            order[here] = random.permutation(here)
        table = table.set_column(
            table.column_names.index(name), table.schema.field(name), table.column(name).take(order)
        )
    return table


def body_of(data: bytes) -> int:
    """How many bytes lie before the footer."""
    return len(data) - 8 - int.from_bytes(data[-8:-4], "little")


def without_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on shards are written as by a version that knew no digests."""
    facts_of = manifests.shard.facts_of

    def facts(*words: object) -> dict[str, str]:
        return {name: text for name, text in facts_of(*words).items() if name != "digests"}

    monkeypatch.setattr(manifests.shard, "facts_of", facts)
