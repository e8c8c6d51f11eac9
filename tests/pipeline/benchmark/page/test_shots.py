"""Shots: a browser gets what the encoders saw."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from world.pictures import encoded, every_format, picture

from pipeline.benchmark.page.shots import LONGEST, shot
from pipeline.benchmark.photos import CHANGED, Photo
from stages import images
from stages.images import ImageRefused


def photo(path: Path, data: bytes) -> Photo:
    path.write_bytes(data)
    header = images.header(data)
    hashed, size = sha256(data).hexdigest(), (header.width, header.height)
    return Photo("id", "s", "k", str(path), 0, len(data), hashed, *size, header.format)


def test_a_plain_jpeg_passes_as_it_lies(tmp_path: Path) -> None:
    data = every_format()["jpeg"]
    assert shot(photo(tmp_path / "a", data)) == data


@pytest.mark.parametrize("name", every_format())
def test_every_format_is_shown_as_the_encoders_decode_it(tmp_path: Path, name: str) -> None:
    data = every_format()[name]
    with Image.open(io.BytesIO(shot(photo(tmp_path / "a", data)))) as shown:
        assert (shown.format, shown.mode) == ("JPEG", "RGB")
        seen = np.asarray(images.decode(data), dtype=float)
        apart = np.abs(np.asarray(shown, dtype=float) - seen).mean()
    assert seen.shape[:2] == (shown.height, shown.width)
    assert apart < 60  # noise does not survive JPEG's halved colours well; another picture lies 85 away


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_jpeg_that_is_not_rgb_is_not_passed_on_as_it_lies(tmp_path: Path, mode: str) -> None:
    data = encoded(Image.new("RGB", (32, 24), (200, 120, 40)).convert(mode), "JPEG", quality=95)
    sent = shot(photo(tmp_path / "a", data))
    assert sent != data
    with Image.open(io.BytesIO(sent)) as shown:
        assert (shown.format, shown.mode) == ("JPEG", "RGB")
        apart = np.asarray(shown, dtype=float) - np.asarray(images.decode(data), dtype=float)
    assert np.abs(apart).max() < 6


def test_what_is_larger_than_a_page_needs_is_made_smaller(tmp_path: Path) -> None:
    stream = io.BytesIO()
    picture(width=LONGEST + 400, height=300).save(stream, "JPEG")
    with Image.open(io.BytesIO(shot(photo(tmp_path / "a", stream.getvalue())))) as shown:
        assert shown.size == (LONGEST, 240)


def test_an_image_that_is_gone_is_refused_with_its_reason(tmp_path: Path) -> None:
    found = photo(tmp_path / "a", every_format()["png"])
    (tmp_path / "a").unlink()
    with pytest.raises(ImageRefused, match="No such file"):
        shot(found)


@pytest.mark.parametrize("name", ["jpeg", "png"])
@pytest.mark.parametrize("data", [every_format()["gif"], b"no image"], ids=["another image", "garbage"])
def test_an_image_that_was_changed_is_not_shown(tmp_path: Path, name: str, data: bytes) -> None:
    found = photo(tmp_path / "a", every_format()[name])
    (tmp_path / "a").write_bytes(data.ljust(found.length, b"\0"))
    with pytest.raises(ImageRefused, match="its bytes were changed since the run read it") as refused:
        shot(found)
    assert refused.value.status == CHANGED
