"""What a hostile reader tried here, and what must hold."""

from __future__ import annotations

from pathlib import Path

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
