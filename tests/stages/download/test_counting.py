"""Counting: how many images a source holds, before anything runs and in bounded time."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter
from world.growing import picture
from world.tars import packed

from stages.download.counting import LIMIT_S, counted
from stages.download.settings import AnySource, SourceSettings


def source(kind: str, uri: object, **more: Any) -> SourceSettings:
    return TypeAdapter(AnySource).validate_python({"name": "a", "kind": kind, "uri": str(uri), **more})


@pytest.fixture
def tars(tmp_path: Path) -> Path:
    """Four tars of 5 pictures of the same bytes, and their captions."""
    for name in "abcd":
        members = [(f"{name}{number}{ending}", data) for number in range(5) for ending, data in PAIR]
        (tmp_path / f"{name}.tar").write_bytes(packed(members))
    return tmp_path


PAIR = ((".png", picture(1)), (".txt", b"a caption"))


def test_tars_are_counted_by_their_headers(tars: Path) -> None:
    found = counted(source("shards", tars / "*.tar"), 4)
    assert (found.images, str(found)) == (20, "20 images")


def test_a_damaged_tar_counts_as_far_as_it_is_read(tars: Path) -> None:
    (tars / "a.tar").write_bytes((tars / "a.tar").read_bytes()[:4000])
    assert 15 < counted(source("shards", tars / "*.tar"), 4).images < 20


def test_what_there_is_no_time_for_is_estimated_from_the_bytes(tars: Path) -> None:
    """The clock strikes with the last member of the second tar: 10 pictures are in half of the bytes."""
    clock = count(0.0, LIMIT_S / 20)
    found = counted(source("shards", tars / "*.tar"), 4, clock=lambda: next(clock))
    assert 18 <= found.images <= 26
    assert str(found).startswith(f"about {found.images} images, estimated from the first ")
    assert str(found).endswith(" % of the bytes")


def test_no_image_in_time_is_an_unknown_number(tars: Path) -> None:
    (tars / "_.tar").write_bytes(packed([("readme", b"none here")]))
    clock = count(0.0, LIMIT_S)
    found = counted(source("shards", tars / "_.tar"), 1, clock=lambda: next(clock))
    assert str(found) == "how many images is unknown: 3 s were too short to find one"


def test_rows_of_parquet_files_are_counted_by_their_footers(tmp_path: Path) -> None:
    for name in "ab":
        pq.write_table(pa.table({"image": [picture(1)] * 7}), tmp_path / f"{name}.parquet")
    assert counted(source("parquet", tmp_path), 2).images == 14


def test_a_folder_is_counted_by_its_files(tmp_path: Path) -> None:
    assert counted(source("folder", tmp_path), 12).images == 12


@pytest.mark.parametrize(
    ("kind", "more", "why"),
    [
        ("urls", {"into": "/x", "fetch": {"contact": "me@example.org"}}, "how many URLs can be fetched"),
        ("imagenet", {}, "a source of kind imagenet is listed by the run alone"),
    ],
)
def test_a_number_that_only_the_run_can_know_is_unknown(kind: str, more: dict[str, Any], why: str) -> None:
    found = counted(source(kind, "/nowhere", **more), 3)
    assert found.images is None
    assert why in str(found)


def test_tars_in_a_bucket_are_not_read(tars: Path) -> None:
    with fsspec.open("memory://counting/a.tar", "wb") as file:
        file.write((tars / "a.tar").read_bytes())
    found = counted(source("shards", "memory://counting/*.tar"), 1)
    assert str(found) == "how many images is unknown: tars in a bucket are read by the run alone"
