"""Rows of a shard by their numbers: as by reading all of it and picking them, from the groups that hold them alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.committed import names, scratch
from world.vectors import embeddings_manifest

from manifests import shard
from manifests.counts import Counts
from manifests.errors import Damaged
from manifests.schema import Schema, column
from manifests.shard import GROUP_ROWS, Part, read_rows, read_shard, write_shard
from manifests.storage import Folder

ROWS = Schema(
    "rows",
    1,
    ("image_id",),
    pa.schema(
        [
            column("image_id", pa.string(), "a name", nullable=False),
            column("fixed", pa.list_(pa.float32(), 2), "two numbers"),
            column("free", pa.list_(pa.float32()), "some numbers"),
        ]
    ),
)


def table_of(count: int) -> pa.Table:
    fixed = [[place, -place] if place % 5 else None for place in range(count)]
    free = [[place] * (place % 3) if place % 4 else None for place in range(count)]
    columns = {"image_id": names(count), "fixed": fixed, "free": free}
    return pa.table(columns, schema=ROWS.columns)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 10), st.data())
def test_rows_are_those_of_the_whole_shard_however_it_is_cut(
    sizes: list[int], group_rows: int, data: st.DataObject
) -> None:
    whole, rows = table_of(sum(sizes)), data.draw(st.sets(st.integers(0, max(sum(sizes) - 1, 0))))
    wanted = np.array(sorted(rows if sum(sizes) else ()), np.int64)
    ends = np.cumsum([0, *sizes]).tolist()
    parts = [Part(whole.slice(start, size), Counts(size, size)) for start, size in zip(ends, sizes, strict=False)]
    with scratch() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard, "GROUP_ROWS", group_rows)
        write_shard(Folder(url), "a", ROWS, parts)
        for columns in (["image_id"], ["fixed", "image_id"], ["free"]):
            found = read_rows(Folder(url), "a", columns, wanted)
            assert found.to_pylist() == read_shard(Folder(url), "a", columns).take(wanted).to_pylist()
            assert found.column_names == columns


def test_a_row_asked_for_twice_comes_twice() -> None:
    with scratch() as url:
        write_shard(Folder(url), "a", ROWS, [Part(table_of(4), Counts(4, 4))])
        found = read_rows(Folder(url), "a", ["image_id"], np.array([1, 1, 3]))
    assert found.column("image_id").to_pylist() == [names(4)[place] for place in (1, 1, 3)]


def test_a_shard_of_vectors_lies_in_groups_of_so_many_rows(tmp_path: Path) -> None:
    count = 2 * GROUP_ROWS + 1
    embeddings_manifest(tmp_path, names(count), {"clip": np.ones((count, 2))})
    footer = pq.read_metadata(tmp_path / "00000.parquet")
    sizes = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
    assert sizes == [GROUP_ROWS, GROUP_ROWS, 1]


def damaged(folder: Path, group: int) -> None:
    """Change a byte of one row group's last column."""
    path = folder / "00000.parquet"
    chunk = pq.read_metadata(path).row_group(group).column(3)
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset + chunk.total_compressed_size - 5] ^= 1
    path.write_bytes(content)


def test_groups_that_hold_none_of_the_rows_are_not_read(tmp_path: Path) -> None:
    count = 3 * GROUP_ROWS
    manifest = embeddings_manifest(tmp_path, names(count), {"clip": np.ones((count, 2))})
    damaged(tmp_path, 1)
    for rows in ([0, GROUP_ROWS - 1], [2 * GROUP_ROWS], [5, count - 1]):
        assert manifest.read_rows("00000", ["clip"], np.array(rows)).num_rows == len(rows)
    with pytest.raises(Damaged, match=r"00000\.parquet is not as it was written"):
        manifest.read_rows("00000", ["clip"], np.array([GROUP_ROWS]))


def test_an_unknown_column_is_an_error(tmp_path: Path) -> None:
    manifest = embeddings_manifest(tmp_path, names(1), {"clip": np.ones((1, 2))})
    with pytest.raises(ValueError, match="no column clop"):
        manifest.read_rows("00000", ["clop"], np.array([0]))
