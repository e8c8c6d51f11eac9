"""Images: ranged reads, one policy for pixels, and a reason for every file that does not decode."""

import random
import struct
import tracemalloc
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, JpegImagePlugin
from world import pictures
from world.pictures import encoded, jpeg, picture, png

from stages import images
from stages.images import ImageRefused

FORMATS = pictures.every_format()
formats = pytest.mark.parametrize("name", FORMATS)


def refusal(data: bytes) -> ImageRefused:
    """The reason `decode` gives for these bytes."""
    with pytest.raises(ImageRefused) as caught:
        images.decode(data)
    return caught.value


def pixels(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(images.decode(data))


def by_pillow(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


def mutated(data: bytes, dice: random.Random) -> bytes:
    """`data` cut somewhere, or with up to 40 bytes changed, half the time among the first 120."""
    if dice.random() < 0.2:
        return data[: dice.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(dice.choice([1, 2, 8, 40])):
        reach = min(len(changed), dice.choice([120, len(changed)]))
        changed[dice.randrange(reach)] = dice.choice([0, 127, 128, 255, dice.randrange(256)])
    return bytes(changed)


# --- pixels ---


@formats
def test_a_sound_file_of_any_format_gives_pillows_own_pixels(name: str) -> None:
    assert np.array_equal(pixels(FORMATS[name]), by_pillow(FORMATS[name]))


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        *[("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("P", "GIF"), ("L", "JPEG")],
        *[("CMYK", "JPEG"), ("CMYK", "TIFF"), ("RGBA", "WEBP"), ("RGBA", "TIFF"), ("L", "BMP"), ("YCbCr", "TIFF")],
    ],
)
@given(seed=st.integers(0, 1000), width=st.integers(1, 40), height=st.integers(1, 40))
@settings(max_examples=8, deadline=None)
def test_eight_bits_of_any_mode_give_pillows_own_pixels(
    mode: str, form: str, seed: int, width: int, height: int
) -> None:
    data = encoded(picture(seed, width, height).convert(mode), form)
    assert np.array_equal(pixels(data), by_pillow(data))


@given(
    grey=arrays.arrays(np.uint16, st.tuples(st.integers(1, 30), st.integers(1, 30))),
    form=st.sampled_from(["PNG", "TIFF"]),
)
@settings(max_examples=40, deadline=None)
def test_grey_of_16_bits_is_divided_by_257_and_rounded(grey: np.ndarray[Any, Any], form: str) -> None:
    expected = np.rint(grey / 257.0).astype(np.uint8)
    assert np.array_equal(pixels(encoded(Image.fromarray(grey), form)), np.stack([expected] * 3, axis=-1))


def test_every_value_of_16_bits_is_divided_by_257_and_rounded() -> None:
    grey = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(pixels(encoded(Image.fromarray(grey), "PNG"))[..., 0], np.rint(grey / 257.0))


def test_grey_of_16_bits_takes_few_bytes_a_pixel_while_it_is_scaled() -> None:
    grey = np.full((1000, 1000), 40_000, dtype=np.uint16)
    data = encoded(Image.fromarray(grey), "PNG")
    tracemalloc.start()
    images.decode(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * grey.size


def test_colour_of_16_bits_keeps_its_upper_8() -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    assert np.array_equal(pixels(png(7, 5, 16, pictures.RGB, rows)), deep >> 8)


def test_whole_numbers_of_32_bits_are_bounded_to_16() -> None:
    wide = np.array([[-5, 0, 257, 65535, 1 << 30]], dtype=np.int32)
    assert pixels(encoded(Image.fromarray(wide), "TIFF"))[0, :, 0].tolist() == [0, 0, 1, 255, 255]


def test_fractions_up_to_one_fill_the_whole_scale_and_what_is_no_number_is_black() -> None:
    fractions = np.array([[0.0, 0.5, 1.0, np.nan, np.inf, -np.inf, -3.0]], dtype=np.float32)
    assert pixels(encoded(Image.fromarray(fractions), "TIFF"))[0, :, 0].tolist() == [0, 128, 255, 0, 0, 0, 0]


def test_fractions_beyond_one_are_taken_for_16_bits() -> None:
    wide = np.array([[0.0, 257.0, 65535.0, 1e30]], dtype=np.float32)
    assert pixels(encoded(Image.fromarray(wide), "TIFF"))[0, :, 0].tolist() == [0, 1, 255, 255]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(form: str) -> None:
    first = picture(0).quantize() if form == "GIF" else picture(0)
    assert np.array_equal(pixels(pictures.animation(form)), pixels(encoded(first, form, lossless=True)))


def test_alpha_is_dropped_and_what_it_hides_is_seen() -> None:
    hidden = picture().convert("RGBA")
    hidden.putalpha(0)
    assert np.array_equal(pixels(encoded(hidden, "PNG")), np.asarray(picture()))


def test_an_image_turned_by_exif_is_left_as_it_lies() -> None:
    data = pictures.rotated_by_exif()
    assert np.array_equal(pixels(data), pixels(jpeg()))
    assert (images.header(data).width, images.header(data).height) == picture().size


def test_a_header_says_whether_viewers_turn_the_image() -> None:
    assert images.header(pictures.rotated_by_exif()).turned
    for upright in (pictures.with_corrupt_exif(), jpeg()):
        assert not images.header(upright).turned


def test_corrupt_exif_does_not_touch_the_pixels() -> None:
    assert np.array_equal(pixels(pictures.with_corrupt_exif()), pixels(jpeg()))


def test_one_pixel_is_an_image() -> None:
    assert pixels(encoded(picture(0, 1, 1), "PNG")).shape == (1, 1, 3)


def test_the_format_is_what_the_bytes_say() -> None:
    assert images.header(encoded(picture(), "PNG")).format == "PNG"


# --- what goes no further ---


def test_no_bytes_are_refused_as_empty() -> None:
    assert refusal(b"").status == images.EMPTY


@pytest.mark.parametrize(
    "data", [b"\0", b"<html>404 Not Found</html>", b"PK\x03\x04" + bytes(100), bytes(range(256)) * 9]
)
def test_what_is_no_image_is_refused_as_such(data: bytes) -> None:
    assert refusal(data).status == images.NOT_AN_IMAGE


def test_a_bomb_is_refused_by_its_header_before_it_fills_the_memory() -> None:
    data = pictures.bomb()
    tracemalloc.start()
    assert refusal(data).status == images.TOO_LARGE
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_more_pixels_than_the_bound_but_less_than_twice_are_refused_too() -> None:
    assert refusal(png(10_000, 10_000, 1, pictures.GREY, b"")).status == images.TOO_LARGE


@pytest.mark.parametrize("size", [(1, 20_000), (20_000, 1), (1, 101)])
def test_a_sliver_is_refused_as_too_narrow(size: tuple[int, int]) -> None:
    assert refusal(encoded(picture(0, *size), "PNG")).status == images.TOO_NARROW


@pytest.mark.parametrize("size", [(0, 0), (0, 100), (100, 0)])
def test_an_image_without_pixels_is_refused(size: tuple[int, int]) -> None:
    assert refusal(png(*size, 8, pictures.RGB, b"")).status in (images.NOT_AN_IMAGE, images.UNREADABLE)


def test_a_png_with_more_text_than_any_caption_is_refused() -> None:
    assert refusal(pictures.with_long_text()).status == images.UNREADABLE


def test_a_tiff_with_absurd_tags_is_refused() -> None:
    refusal(pictures.with_absurd_tags())


def test_postscript_never_starts_an_interpreter_whatever_it_is_named() -> None:
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 30 30\n%%EndComments\nshowpage\n%%EOF\n"
    assert refusal(script).status == images.NOT_AN_IMAGE


def test_an_image_in_a_format_that_no_ending_stands_for_is_refused() -> None:
    assert refusal(encoded(picture(), "TGA")).status == images.NOT_AN_IMAGE


@formats
def test_a_file_cut_anywhere_is_refused_or_complete_to_the_last_pixel(name: str) -> None:
    data = FORMATS[name]
    whole = by_pillow(data)
    for cut in {*range(0, len(data), max(1, len(data) // 60)), len(data) - 1, len(data) - 2}:
        try:
            assert np.array_equal(pixels(data[:cut]), whole), f"{cut} of {len(data)} bytes"
        except ImageRefused:
            continue


@pytest.mark.parametrize("name", ["jpeg", "png"])
def test_a_file_cut_in_its_pixels_is_told_to_be_truncated(name: str) -> None:
    assert refusal(FORMATS[name][: len(FORMATS[name]) * 9 // 10]).status == images.TRUNCATED


@formats
def test_no_mutation_of_a_file_raises_anything_but_a_reason(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(name)
    for _ in range(150):
        data = mutated(FORMATS[name], dice)
        for look in (images.header, images.decode):
            with suppress(ImageRefused):
                look(data)
    capfd.readouterr()  # the C libraries complain on stderr


class Strange(Exception):
    """What no plugin is known to raise."""


STRANGE = [struct.error("unpack"), zlib.error("-3"), RuntimeError(), KeyError(4), AssertionError(), Strange("odd")]


@pytest.mark.parametrize("error", STRANGE, ids=lambda error: type(error).__name__)
def test_whatever_a_plugin_raises_becomes_a_reason(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", fail)
    assert refusal(jpeg()).status == images.UNREADABLE


def test_want_of_memory_is_the_machines_failure_and_no_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", fail)
    with pytest.raises(MemoryError):
        images.decode(jpeg())


# --- reading ---


@given(data=st.binary(max_size=200), start=st.integers(0, 200), length=st.integers(0, 200))
@settings(max_examples=50, deadline=None)
def test_a_ranged_read_gives_just_those_bytes_or_says_that_they_are_not_there(
    data: bytes, start: int, length: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "ranged"
    path.write_bytes(data)
    if start + length <= len(data):
        assert images.read(str(path), start, length) == data[start : start + length]
    elif length:
        with pytest.raises(ImageRefused, match="the file changed or was cut"):
            images.read(str(path), start, length)


def test_a_bucket_is_read_like_a_disk() -> None:
    fsspec.filesystem("memory").pipe_file("/bucket/a.bin", b"0123456789")
    assert images.read("memory://bucket/a.bin", 3, 4) == b"3456"


def test_a_name_that_fsspec_would_take_for_a_chain_of_file_systems_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "zip::memory::a.jpg"
    path.write_bytes(b"abc")
    assert images.read(str(path), 0, 3) == b"abc"
    with images.opened(str(path)) as file:
        assert file.read() == b"abc"


def test_a_file_that_is_gone_is_refused_with_the_systems_reason(tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match="No such file"):
        images.read(str(tmp_path / "gone.jpg"), 0, 1)


def test_more_bytes_than_any_image_has_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ImageRefused) as caught:
        images.read(str(path), 0, 1 << 40)
    assert caught.value.status == images.TOO_LARGE
