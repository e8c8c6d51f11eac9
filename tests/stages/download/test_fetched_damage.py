"""What a hostile reader tried here, and what must hold."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.downloads import download
from world.fetches import fetched, write_fetched
from world.pictures import jpeg
from world.tars import packed


def test_a_second_tar_behind_the_first_is_told_though_the_table_names_none_of_it(tmp_path: Path) -> None:
    tar = write_fetched(tmp_path, [(fetched(0, jpeg(0)), jpeg(0))])
    with tar.open("ab") as file:
        file.write(packed([("000000007.jpg", jpeg(7))]))
    counts = download("img2dataset", tmp_path).counts
    assert counts.lost == 1 or counts.aside


def as_kind_urls_leaves_it(folder: Path, again_in: list[str | None], named: slice) -> None:
    """Three images fetched, in a table with the column of kind urls, of which only some rows are left."""
    tar = write_fetched(folder, [(fetched(number, jpeg(number)), jpeg(number)) for number in range(3)])
    table = pq.read_table(tar.with_suffix(".parquet"))
    table = table.append_column("again_in", pa.array(again_in, pa.string()))
    pq.write_table(table[named], tar.with_suffix(".parquet"))


def test_what_was_asked_for_again_counts_where_it_was_asked_for_last(tmp_path: Path) -> None:
    as_kind_urls_leaves_it(tmp_path, [None, "some-00000.parquet", None], slice(0, 3))
    got = download("img2dataset", tmp_path)
    assert got.ok == ["000000000", "000000002"]
    assert (got.counts.seen, got.counts.aside) == (2, {"(asked for again in a later list)": 1})


@pytest.mark.parametrize(("named", "left"), [(slice(0, 2), 1), (slice(0, 0), 3)])
def test_a_forgotten_image_is_no_row(named: slice, left: int, tmp_path: Path) -> None:
    as_kind_urls_leaves_it(tmp_path, [None] * 3, named)
    got = download("img2dataset", tmp_path)
    assert (len(got.rows), got.counts.aside) == (3 - left, {"(forgotten)": left})
