"""The pictures both sides are given: drawn ones of every sort, always the same; or a draw of a folder's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from world.pictures import jpeg, picture

from manifests.errors import Refused
from pipeline.reports.parity.pictures import FORMS, drawn, photos
from stages import images


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [one.path for one in drawn(tmp_path_factory.mktemp("drawn"), 50, 0)]


@pytest.mark.slow
def test_they_are_of_every_form_and_of_all_sizes_and_each_can_be_read(fifty: list[Path]) -> None:
    opened = [Image.open(path) for path in fifty]
    assert {(one.format, one.mode) for one in opened} >= {(form.format, form.mode) for form in FORMS}
    widths, heights = zip(*(one.size for one in opened), strict=True)
    assert min(widths) == min(heights) == 1
    assert max(widths) > 1100
    assert max(heights) > 1000
    ratios = [one.width / one.height for one in opened]
    assert min(ratios) < 1 / 40 < 20 < max(ratios)
    assert all(images.decode(path.read_bytes()) for path in fifty)


def test_the_same_seed_draws_the_same_bytes_and_fewer_are_the_first_of_many(fifty: list[Path], tmp_path: Path) -> None:
    again = drawn(tmp_path, 20, 0)
    assert [one.path.read_bytes() for one in again] == [path.read_bytes() for path in fifty[:20]]
    (tmp_path / "other").mkdir()
    other = drawn(tmp_path / "other", 20, 1)
    assert not {one.path.read_bytes() for one in again} & {one.path.read_bytes() for one in other}


def folder_of(folder: Path, count: int) -> Path:
    for number in range(count):
        path = folder / f"sub{number % 3}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(number))
    return folder


def test_photos_are_a_seeded_draw_of_all_below_the_folder_by_their_own_names(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "photos", 30)
    draws = []
    for number, seed in enumerate((0, 0, 1)):
        (tmp_path / str(number)).mkdir()
        found = photos(source, tmp_path / str(number), 12, seed)
        assert all(one.path.read_bytes() == (source / one.name).read_bytes() for one in found)
        draws.append([one.name for one in found])
    assert draws[0] == draws[1] != draws[2]
    assert [len(set(names)) for names in draws] == [12, 12, 12]


def test_where_there_are_no_more_photos_all_are_taken(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "photos", 5)
    (source / "note.txt").write_text("no image")
    assert len(photos(source, tmp_path, 200, 0)) == 5


@pytest.mark.parametrize("depth", [np.uint16, np.int32, np.float32])
def test_grey_of_more_than_8_bits_is_left_out_for_the_step_scales_it_by_policy(tmp_path: Path, depth: type) -> None:
    source = folder_of(tmp_path / "photos", 2)
    Image.fromarray(np.full((8, 8), 900, depth)).save(source / "deep.tif")
    picture(3).save(source / "flat.tif")
    assert {one.name for one in photos(source, tmp_path, 9, 0)} == {"sub0/0.jpg", "sub1/1.jpg", "flat.tif"}


def test_a_folder_that_is_none_or_holds_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not a folder"):
        photos(tmp_path / "nowhere", tmp_path, 9, 0)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/note.txt").write_text("no image")
    with pytest.raises(Refused, match="no image to compare below it"):
        photos(tmp_path / "empty", tmp_path, 9, 0)
