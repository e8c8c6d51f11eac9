"""The opt-out list: what it names, and what it does not let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.errors import Refused
from stages.download.fetch.opt_out import OptOut, entries

DIGEST, IDENTITY = "AB" * 32, "cd" * 16


def test_a_list_names_urls_and_images(tmp_path: Path) -> None:
    text = f"\ufeff# wishes\r\n\r\n  http://a.example/ü b?c#d \n{DIGEST}\nHTTPS://B/x\n"
    (tmp_path / "list.txt").write_text(text)
    found = entries(str(tmp_path / "list.txt"))
    assert found == OptOut(frozenset({"http://a.example/%C3%BC%20b?c", "https://b/x"}), frozenset({DIGEST.lower()}))


def test_an_image_id_counts_only_where_it_may(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{IDENTITY}\n")
    assert entries(str(tmp_path / "list.txt"), with_image_ids=True).image_ids == {IDENTITY}
    with pytest.raises(Refused, match=r"list.txt, line 1: 'cdcd"):
        entries(str(tmp_path / "list.txt"))


@pytest.mark.parametrize("line", ["example.org/a.jpg", "ab" * 31, "g" * 64, "ftp://a/b", "/data/a.jpg", "http://"])
def test_a_line_that_names_nothing_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "list.txt").write_text(f"# one\n{DIGEST}\n{line}\n")
    with pytest.raises(Refused, match=r"list.txt, line 3"):
        entries(str(tmp_path / "list.txt"))


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"opt-out list .*none.txt cannot be read"):
        entries(str(tmp_path / "none.txt"))


def test_a_list_may_lie_in_a_bucket(bucket) -> None:
    bucket.put("wishes/list.txt", DIGEST.encode())
    assert entries(bucket.url("wishes/list.txt")).sha256 == {DIGEST.lower()}
