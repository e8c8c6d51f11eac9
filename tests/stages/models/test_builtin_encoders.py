"""The two built-in encoders: what each sees, what it is blind to, and that any image gets a vector."""

from io import BytesIO
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from stages.models.encoders.colour import Colour
from stages.models.encoders.structure import Structure

COLOUR, STRUCTURE = Colour(), Structure()
both = pytest.mark.parametrize("encoder", [COLOUR, STRUCTURE], ids=["colour", "structure"])


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Coloured blotches that no two seeds share."""
    dice = np.random.default_rng(seed)
    coarse = dice.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def resaved(image: Image.Image, quality: int) -> Image.Image:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def vectors(encoder: Any, *images: Image.Image) -> npt.NDArray[np.float64]:
    """Unit vectors in float64."""
    rows = encoder.encode([encoder.prepare(image) for image in images]).astype(np.float64)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def cosine(encoder: Any, left: Image.Image, right: Image.Image) -> float:
    one, other = vectors(encoder, left, right)
    return float(one @ other)


@both
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_every_size_and_shape_gets_a_finite_vector_that_is_not_zero(
    encoder: Any, width: int, height: int, seed: int
) -> None:
    rows = encoder.encode([encoder.prepare(noise(width, height, seed))])
    assert (rows.shape, rows.dtype) == ((1, encoder.dim), np.float32)
    assert 0 < np.linalg.norm(rows) < np.inf


@both
@pytest.mark.parametrize("size", [(1, 1), (256, 256), (1, 3000), (3000, 1)])
@pytest.mark.parametrize("shade", ["white", "black", "red"])
def test_a_plain_image_gets_a_finite_vector_that_is_not_zero(encoder: Any, size: tuple[int, int], shade: str) -> None:
    rows = encoder.encode([encoder.prepare(Image.new("RGB", size, shade))])
    assert 0 < np.linalg.norm(rows) < np.inf


@both
def test_what_is_prepared_has_one_shape_whatever_the_image(encoder: Any) -> None:
    prepared = [encoder.prepare(noise(width, 40)) for width in (1, 40, 333)]
    assert len({(array.shape, array.dtype) for array in prepared}) == 1


@both
def test_an_empty_batch_gives_no_rows(encoder: Any) -> None:
    assert encoder.encode([]).shape == (0, encoder.dim)


@both
def test_a_row_does_not_depend_on_the_other_rows_of_its_batch(encoder: Any) -> None:
    prepared = [encoder.prepare(noise(64, 48, seed)) for seed in range(5)]
    together = encoder.encode(prepared)
    for row, array in zip(together, prepared, strict=True):
        assert row.tobytes() == encoder.encode([array]).tobytes()


@both
def test_another_encoder_of_the_same_kind_gives_the_same_bytes(encoder: Any) -> None:
    again, image = type(encoder)(), noise(70, 50)
    assert again.encode([again.prepare(image)]).tobytes() == encoder.encode([encoder.prepare(image)]).tobytes()


@given(st.integers(0, 1000), st.sampled_from([ImageOps.mirror, ImageOps.flip]))
@settings(max_examples=15, deadline=None)
def test_colour_is_exactly_blind_to_mirroring(seed: int, turned: Any) -> None:
    image = noise(61, 47, seed)
    one, other = COLOUR.encode([COLOUR.prepare(image), COLOUR.prepare(turned(image))])
    assert one.tobytes() == other.tobytes()


def test_colour_is_exactly_blind_to_where_the_pixels_are() -> None:
    pixels = np.asarray(noise(40, 40)).reshape(-1, 3)
    moved = Image.fromarray(np.random.default_rng(1).permutation(pixels).reshape(40, 40, 3))
    one, other = COLOUR.encode([COLOUR.prepare(noise(40, 40)), COLOUR.prepare(moved)])
    assert one.tobytes() == other.tobytes()


def test_structure_sees_mirroring_that_colour_does_not() -> None:
    image = noise(80, 80, 3)
    assert cosine(STRUCTURE, image, ImageOps.mirror(image)) < 0.6


def test_structure_sees_two_colours_exchange_their_places() -> None:
    red, blue = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (32, 64), "blue")
    left, right = red.copy(), red.copy()
    left.paste(blue, (0, 0))
    right.paste(blue, (32, 0))
    assert cosine(COLOUR, left, right) == pytest.approx(1)
    assert cosine(STRUCTURE, left, right) < 0


@both
def test_a_resaved_copy_is_near_its_original(encoder: Any) -> None:
    image = noise(200, 150, 4)
    assert cosine(encoder, image, resaved(image, 75)) > 0.95


@both
def test_a_smaller_copy_is_near_its_original(encoder: Any) -> None:
    image = noise(300, 300, 5)
    assert cosine(encoder, image, image.resize((150, 150), Image.Resampling.BICUBIC)) > 0.95


def test_plain_images_of_unlike_colours_are_far_apart_for_colour() -> None:
    shades = [Image.new("RGB", (8, 8), shade) for shade in ("red", "green", "blue", "white", "black")]
    rows = vectors(COLOUR, *shades)
    assert (rows @ rows.T - np.eye(5)).max() < 0.1


def test_colour_rows_have_unit_length_because_shares_add_up_to_one() -> None:
    rows = COLOUR.encode([COLOUR.prepare(noise(33, 21, seed)) for seed in range(4)])
    assert np.linalg.norm(rows.astype(np.float64), axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_colour_agrees_with_the_bhattacharyya_coefficient_worked_out_pixel_by_pixel() -> None:
    left, right = noise(12, 10, 1), noise(10, 14, 2)
    one, other = _bins_by_hand(left), _bins_by_hand(right)
    expected = sum(np.sqrt(share * other.get(node, 0.0)) for node, share in one.items())
    assert cosine(COLOUR, left, right) == pytest.approx(expected, abs=1e-6)


def _bins_by_hand(image: Image.Image) -> dict[tuple[int, ...], float]:
    """The soft CIELAB bins of an image, one pixel and one corner at a time, in float64."""
    bins: dict[tuple[int, ...], float] = {}
    pixels = np.asarray(image).reshape(-1, 3)
    for pixel in pixels:
        lightness, a, b = _lab_by_hand((pixel // 8 + 0.5) / 32)
        place = (lightness / 12.5, (a + 120) / 15, (b + 120) / 15)
        for corner in product((0, 1), repeat=3):
            weight = np.prod([1 - abs(at - (int(at) + end)) for at, end in zip(place, corner, strict=True)])
            node = tuple(int(at) + end for at, end in zip(place, corner, strict=True))
            bins[node] = bins.get(node, 0.0) + float(weight) / len(pixels)
    return bins


def _lab_by_hand(srgb: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in srgb]
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.95047, 1.0, 1.08883)
    xyz = [sum(w * v for w, v in zip(row, linear, strict=True)) / n for row, n in zip(rows, white, strict=True)]
    x, y, z = (t ** (1 / 3) if t > 0.008856451679 else t * 7.787037037 + 4 / 29 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)
