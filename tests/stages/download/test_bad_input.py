"""Every odd or broken file that a data set holds, by all three kinds of source: a row each, and nothing lost."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from world import pictures
from world.downloads import Downloaded, download
from world.pictures import encoded, jpeg, picture
from world.tars import packed

from stages import images
from stages.images import ImageRefused

GREY_16 = Image.fromarray(np.arange(384, dtype=np.uint16).reshape(16, 24) * 170)
SOUND: dict[str, bytes] = {
    **{f"{name}.jpg": data for name, data in pictures.every_format().items()},
    "a PNG named.jpg": encoded(picture(), "PNG"),
    "cmyk.jpg": encoded(picture().convert("CMYK"), "JPEG"),
    "grey.jpg": encoded(picture().convert("L"), "JPEG"),
    "grey 16.png": encoded(GREY_16, "PNG"),
    "colour 16.png": pictures.png(2, 2, 16, pictures.RGB, (b"\0" + bytes(12)) * 2),
    "palette with alpha.png": encoded(picture().convert("RGBA").quantize(8), "PNG", transparency=b"\0\x80\xff"),
    "moving gif.gif": pictures.animation("GIF"),
    "moving webp.webp": pictures.animation("WEBP"),
    "one pixel.png": encoded(picture(0, 1, 1), "PNG"),
    "turned.jpg": pictures.rotated_by_exif(),
    "corrupt exif.jpg": pictures.with_corrupt_exif(),
    "犬.é.jpg": jpeg(),
}
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty.jpg": (b"", images.EMPTY),
    "text.jpg": (b"<html>404 Not Found</html>", images.NOT_AN_IMAGE),
    "signature alone.png": (pictures.PNG_SIGNATURE, images.NOT_AN_IMAGE),
    "start alone.jpg": (jpeg()[:20], images.NOT_AN_IMAGE),
    "bomb.png": (pictures.bomb(), images.TOO_LARGE),
    "sliver.png": (encoded(picture(0, 1, 20_000), "PNG"), images.TOO_NARROW),
    "no pixels.png": (pictures.png(0, 9, 8, pictures.RGB, b""), images.NOT_AN_IMAGE),
    "endless text.png": (pictures.with_long_text(), images.UNREADABLE),
    "webp cut.webp": (pictures.every_format()["webp"][:60], images.UNREADABLE),
    "avif cut.avif": (pictures.every_format()["avif"][:60], images.NOT_AN_IMAGE),
}
ALL = {**SOUND, **{name: data for name, (data, _) in BROKEN.items()}}


def as_folder(root: Path) -> Downloaded:
    for name, data in ALL.items():
        (root / name).write_bytes(data)
    return download("folder", root, shard_rows=7)


def as_shard(root: Path) -> Downloaded:
    (root / "0.tar").write_bytes(packed(ALL.items()))
    return download("shards", root / "0.tar")


kinds = pytest.mark.parametrize("laid", [as_folder, as_shard])
Laid = Callable[[Path], Downloaded]


@kinds
def test_every_sound_file_is_ok_among_broken_ones(laid: Laid, tmp_path: Path) -> None:
    assert sorted(laid(tmp_path).ok) == sorted(name.rsplit(".", 1)[0] for name in SOUND)


@kinds
def test_every_broken_file_is_a_row_with_its_reason(laid: Laid, tmp_path: Path) -> None:
    rows = laid(tmp_path).by_key
    found = {name: rows[name.rsplit(".", 1)[0]]["status"] for name in BROKEN}
    assert found == {name: status for name, (_, status) in BROKEN.items()}


@kinds
def test_every_reason_is_a_sentence(laid: Laid, tmp_path: Path) -> None:
    for row in laid(tmp_path).rows:
        assert row["status"] == "ok" or len(row["error"].split()) >= 4, row


@kinds
def test_width_height_and_format_are_those_of_the_bytes(laid: Laid, tmp_path: Path) -> None:
    row = laid(tmp_path).by_key["a PNG named"]
    assert (row["width"], row["height"], row["format"]) == (*picture().size, "PNG")


@kinds
def test_every_ok_row_decodes_to_the_size_it_says(laid: Laid, tmp_path: Path) -> None:
    for row in laid(tmp_path).rows:
        if row["status"] == "ok":
            image = images.decode(images.read(row["uri"], row["offset"], row["length"]))
            assert (image.mode, image.size) == ("RGB", (row["width"], row["height"]))


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_file_cut_in_its_pixels_has_a_header_and_is_refused_where_it_is_decoded(form: str, tmp_path: Path) -> None:
    data = encoded(picture(), form)
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) * 9 // 10])
    (row,) = download("folder", tmp_path).rows
    assert row["status"] == "ok"
    with pytest.raises(ImageRefused, match="does not decode"):
        images.decode(images.read(row["uri"], row["offset"], row["length"]))
