"""Cells: a value of a Parquet file is read whatever thread asks, and its row group is decoded once."""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.processes import PATIENCE_S
from world.store import Bucket

from manifests.stores import patience, ranges
from manifests.stores.faults import Unreachable
from stages import images
from stages import parquet_bytes as cells
from stages.images import ImageRefused
from stages.parquet_bytes import Cell

DICE = np.random.default_rng(5)
DATA = [DICE.bytes(int(size)) if place % 7 else None for place, size in enumerate(DICE.integers(1, 20_000, 300))]


def table(path: Path, data: list[bytes | None] = DATA, *, rows: int = 100, **written: Any) -> Path:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    structs = [None if one is None else {"bytes": one, "path": f"{place}.jpg"} for place, one in enumerate(data)]
    pq.write_table(
        pa.table({"image": pa.array(structs, kind), "n": range(len(data))}), path, row_group_size=rows, **written
    )
    return path


def read(path: Path | str, row: int, column: str = "image.bytes") -> bytes:
    return cells.read(Cell(str(path), column, row))


def refusal(uri: str, length: int) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        images.read(uri, 0, length)
    return caught.value


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The blocks that were decoded, by row group and number."""
    blocks: list[tuple[int, int]] = []
    whole = cells._Table.block

    def counting(self: cells._Table, wanted: cells._Lying) -> pa.Array:
        blocks.append((wanted.group, wanted.number))
        return whole(self, wanted)

    monkeypatch.setattr(cells._Table, "block", counting)
    return blocks


# --- names ---

NAMES = st.text("a#%[]/.25é\n", min_size=1, max_size=9)


@given(NAMES, NAMES, st.integers(0, 10**12))
@settings(max_examples=50, deadline=None)
def test_a_cell_is_known_again_by_its_name(file: str, column: str, row: int) -> None:
    assert cells.parsed(str(Cell(file, column, row))) == Cell(file, column, row)


@pytest.mark.parametrize("uri", ["/a.parquet", "/a#b/c.jpg", "/a[3]", "s3://b/x.tar", "/a.parquet#image.bytes[x]", ""])
def test_a_file_is_no_cell(uri: str) -> None:
    assert cells.parsed(uri) is None


# --- reading ---


@pytest.mark.parametrize("rows", [7, 100, 300])
def test_every_cell_is_read_from_many_threads_in_any_order(rows: int, tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", rows=rows)
    wanted = list(DICE.permutation(len(DATA)))
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda row: read(path, int(row)), wanted))
    assert got == [DATA[row] or b"" for row in wanted]


def test_row_after_row_decodes_each_row_group_once_however_many_threads_ask(
    tmp_path: Path, decoded: list[tuple[int, int]]
) -> None:
    path = table(tmp_path / "a.parquet")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda row: read(path, row), range(len(DATA))))
    assert sorted(decoded) == [(0, 0), (1, 0), (2, 0)]


def test_a_large_row_group_is_decoded_in_parts_and_never_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoded: list[tuple[int, int]]
) -> None:
    small = {"use_dictionary": False, "data_page_size": 50_000, "write_batch_size": 8}  # Arrow itself holds a page
    path = table(tmp_path / "a.parquet", rows=len(DATA), **small)
    monkeypatch.setattr(cells, "BLOCK_BYTES", 100_000)
    monkeypatch.setattr(cells, "KEPT_BYTES", 300_000)
    monkeypatch.setattr(cells, "AHEAD", 100_000)
    monkeypatch.setattr(cells, "_KEPT", cells._Kept())
    gc.collect()  # what earlier tests left is not freed while this one counts
    before, most = pa.total_allocated_bytes(), 0
    for row in range(len(DATA)):
        assert read(path, row) == (DATA[row] or b"")
        most = max(most, pa.total_allocated_bytes() - before)
    assert len(decoded) == len(set(decoded)) > 20
    assert read(path, 1) == DATA[1], "one that is no longer kept is decoded again"
    assert decoded[-1] == (0, 0)
    assert most < sum(len(one or b"") for one in DATA) / 3
    assert sum(one.result().get_total_buffer_size() for one in cells._KEPT._blocks.values()) < 500_000


def test_a_plain_column_of_bytes_has_cells_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"odd#name": pa.array([b"a", b"b"], pa.large_binary())}), tmp_path / "a.parquet")
    uri = str(Cell(f"{tmp_path}/a.parquet", "odd#name", 1))
    assert images.read(uri, 0, 1) == b"b"


# --- what is wrong ---


def test_a_file_that_changed_gives_its_new_bytes_which_the_sha256_then_shows(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet")
    assert read(path, 1) == DATA[1]
    table(path, [b"x" * 30_000] * 5)
    assert images.read(str(Cell(str(path), "image.bytes", 1)), 0, 10) == b"x" * 10


def test_a_file_that_lost_the_row_or_its_bytes_is_truncated(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", [b"abc", None])
    for row, there in ((0, 3), (1, 0), (9, 0)):
        told = refusal(str(Cell(str(path), "image.bytes", row)), 4)
        assert told.status == images.TRUNCATED
        assert f"{there} of 4 bytes" in told.sentence


@pytest.mark.parametrize(
    ("become", "said"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_bytes(b"garbage" * 100), "does not read as Parquet"),
        (lambda path: path.write_bytes(path.read_bytes()[:-10]), "does not read as Parquet"),
        (lambda path: pq.write_table(pa.table({"other": [1]}), path), "no column image.bytes"),
        (lambda path: pq.write_table(pa.table({"image": [{"bytes": "text"}]}), path), "holds no bytes"),
    ],
)
def test_a_file_that_is_gone_or_another_one_is_unreadable(
    become: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.parquet")
    uri = str(Cell(str(path), "image.bytes", 0))
    become(path)
    told = refusal(uri, 5)
    assert told.status == images.UNREADABLE
    assert said in told.sentence


def test_a_row_group_whose_bytes_are_damaged_is_unreadable_and_the_others_are_read(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet")
    whole = bytearray(path.read_bytes())
    at = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    whole[at : at + 3000] = bytes(3000)
    path.write_bytes(whole)
    assert refusal(str(Cell(str(path), "image.bytes", 101)), 5).status == images.UNREADABLE
    assert (read(path, 1), read(path, 201)) == (DATA[1], DATA[201])


# --- in a bucket ---


def test_in_a_bucket_a_row_group_is_one_request_and_a_store_that_fails_is_no_fault_of_the_image(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_S", 0.5)
    monkeypatch.setattr(ranges, "WAITS", (0.01,) * 3)
    url = bucket.put("a.parquet", table(tmp_path / "a.parquet").read_bytes())
    assert read(url, 1) == DATA[1]
    before = bucket.proxy.counted().get("get", 0)
    assert [read(url, row) for row in range(200)] == [one or b"" for one in DATA[:200]]
    assert bucket.proxy.counted()["get"] - before == 1
    bucket.proxy.fail(seconds=PATIENCE_S)
    with pytest.raises(Unreachable):
        images.read(str(Cell(url, "image.bytes", 250)), 0, 5)
