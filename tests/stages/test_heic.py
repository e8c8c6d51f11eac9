"""HEIC: photos of iPhones are read with pillow-heif, and say what to install without it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from world.downloads import download
from world.pictures import encoded, picture

from stages import heic, images

IPHONES = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(200)


@pytest.fixture
def pillow_heif() -> ModuleType:
    found = pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    assert heic.can_open()
    return found


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if pillow-heif were not installed."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heic.can_open.cache_clear()
    yield
    heic.can_open.cache_clear()


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (IPHONES, True),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", True),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", False),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp41", False),
        (b"\xff\xd8\xff", False),
        (b"", False),
    ],
)
def test_heic_is_known_by_its_brands(start: bytes, found: bool) -> None:
    assert heic.is_heic(start) == found


def test_an_avif_is_still_pillows_own() -> None:
    assert images.header(encoded(picture(), "AVIF")).format == "AVIF"


@pytest.mark.usefixtures("without")
def test_without_pillow_heif_the_row_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.HEIC").write_bytes(IPHONES)
    (row,) = download("folder", str(tmp_path)).rows
    assert row["status"] == images.UNREADABLE
    assert "run pip install 'blindpairs[heic]' on every machine" in row["error"]


def test_a_heic_is_decoded_whole(pillow_heif: ModuleType) -> None:
    smooth = Image.linear_gradient("L").convert("RGB")
    data = encoded(smooth, "HEIF", quality=95)
    found = images.header(data)
    assert (found.format, found.width, found.height) == (heic.FORMAT, 256, 256)
    assert np.abs(np.asarray(images.decode(data), int) - np.asarray(smooth, int)).max() <= 8


def test_of_several_images_the_main_one_counts(pillow_heif: ModuleType) -> None:
    made = pillow_heif.HeifFile()
    for shade in (20, 200):
        made.add_from_pillow(Image.new("RGB", (64, 64), (shade,) * 3))
    stream = BytesIO()
    made.save(stream, primary_index=1, quality=95)
    assert abs(np.asarray(images.decode(stream.getvalue())).mean() - 200) < 5


def test_a_heic_cut_anywhere_is_refused(pillow_heif: ModuleType) -> None:
    data = encoded(picture(1, 64, 64), "HEIF")
    for length in range(40, len(data) - 1, 97):
        with pytest.raises(images.ImageRefused):
            images.decode(data[:length])
