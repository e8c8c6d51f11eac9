"""Reading: each image gets its own bytes, in order, by few reads, whatever lies around it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import images
from stages.embed import reading
from stages.embed.reading import GAP_BYTES, STRETCH_BYTES, Arriving, Locator, read_ahead, stretches
from stages.images import ImageRefused

SIZES = st.tuples(st.integers(0, 3), st.integers(0, 3 * GAP_BYTES // 2), st.integers(1, STRETCH_BYTES // 3))


def located(sizes: list[tuple[int, int, int]]) -> list[Locator]:
    """Images one after another: which file, how far behind the one before, how long."""
    found, end = [], 0
    for place, (file, gap, length) in enumerate(sizes):
        found.append(Locator(place, f"/{file}.tar", end + gap, length, ""))
        end += gap + length
    return found


@given(st.lists(SIZES, max_size=30))
def test_stretches_hold_every_image_once_in_order(sizes: list[tuple[int, int, int]]) -> None:
    assert [one for stretch in stretches(located(sizes)) for one in stretch] == located(sizes)


@given(st.lists(SIZES, max_size=30))
def test_a_stretch_lies_in_one_file_without_wide_gaps_and_is_bounded(sizes: list[tuple[int, int, int]]) -> None:
    for stretch in stretches(located(sizes)):
        assert len({one.uri for one in stretch}) == 1
        assert all(0 <= b.offset - a.end <= GAP_BYTES for a, b in pairwise(stretch))
        assert len(stretch) == 1 or stretch[-1].end - stretch[0].offset <= STRETCH_BYTES


def test_images_that_lie_backwards_or_over_one_another_are_read_by_themselves() -> None:
    lying = [Locator(0, "a", 100, 10, ""), Locator(1, "a", 50, 10, ""), Locator(2, "a", 55, 10, "")]
    assert [len(stretch) for stretch in stretches(lying)] == [1, 1, 1]


@pytest.fixture
def tar(tmp_path: Path) -> tuple[Path, list[Locator]]:
    """A file of forty pieces with gaps, and where each lies."""
    path, found, data = tmp_path / "some.tar", [], b""
    for place in range(40):
        data += b"-" * (place % 3 * 512)
        found.append(Locator(place, str(path), len(data), 100 + place, ""))
        data += bytes([place]) * (100 + place)
    path.write_bytes(data)
    return path, found


def arriving(locators: list[Locator]) -> list[Arriving]:
    with ThreadPoolExecutor(2) as pool:
        return list(read_ahead(locators, pool))


def test_each_image_gets_its_own_bytes(tar: tuple[Path, list[Locator]]) -> None:
    assert [one.data() for one in arriving(tar[1])] == [bytes([place]) * (100 + place) for place in range(40)]


def test_neighbours_come_by_one_read(tar: tuple[Path, list[Locator]], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    whole = images.read
    monkeypatch.setattr(images, "read", lambda uri, *where: (asked.append(where), whole(uri, *where))[1])
    assert len([one.data() for one in arriving(tar[1])]) == 40
    assert len(asked) == 1


def test_an_image_that_cannot_be_read_spoils_none_of_its_neighbours(tar: tuple[Path, list[Locator]]) -> None:
    path, found = tar
    path.write_bytes(path.read_bytes()[: found[30].offset + 5])
    read = [_told(one) for one in arriving(found)]
    assert read[:30] == [bytes([place]) * (100 + place) for place in range(30)]
    assert read[30:] == ["truncated"] * 10


def _told(one: Arriving) -> bytes | str:
    try:
        return one.data()
    except ImageRefused as refusal:
        return refusal.status


def test_no_more_is_read_than_it_may_be_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "AHEAD_BYTES", 1000)
    files = [tmp_path / str(number) for number in range(30)]
    for path in files:
        path.write_bytes(b"x" * 300)
    asked: list[str] = []
    whole = images.read
    monkeypatch.setattr(images, "read", lambda uri, *where: (asked.append(uri), whole(uri, *where))[1])
    with ThreadPoolExecutor(4) as pool:
        for taken, one in enumerate(read_ahead([Locator(n, str(p), 0, 300, "") for n, p in enumerate(files)], pool), 1):
            one.data()
            assert len(asked) <= taken + 4  # 1,000 bytes are reached by the fourth file
    assert taken == 30
