"""Windows, masks and newlines: which token goes where, for any size, against index arithmetic."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import interpolate
from world.sampler_loops import allowed, bilinear, grid_of, window

from manifests.errors import Refused
from stages.models.connectors import regrid as regridding
from stages.models.connectors.masks import image_mask, open_empty, padding, token_mask
from stages.models.connectors.newline import append_newlines, join_newlines, split_newlines
from stages.models.connectors.regrid import regrid
from stages.models.connectors.windows import joint_mask, window_mask, windows

SIDES = st.tuples(st.integers(1, 5), st.integers(1, 4))
SIZES = st.tuples(st.integers(1, 600), st.integers(1, 600))


@given(SIDES, st.integers(1, 3), st.integers(1, 3))
def test_a_query_sees_its_own_square_row_by_row(sides, batch, width) -> None:
    side, factor = sides
    found = side * factor
    tokens = torch.arange(batch * found**2 * width).view(batch, found**2, width)
    seen = windows(tokens, found, side)
    assert seen.shape == (batch, side**2, factor**2, width)
    for image in range(batch):
        for i in range(side):
            for j in range(side):
                expected = window(grid_of(tokens[image]), side, i, j)
                assert torch.equal(seen[image, i * side + j], torch.stack(expected))


def _mask_by_steps(size: tuple[int, int], side: int) -> list[list[bool]]:
    """By the steps of the source: scale the longer edge to the grid, truncate the shorter, halve what is left."""
    width, height = size
    if width / height > 1:
        left, top = 0, (side - int(height * (side / width))) // 2
    else:
        left, top = (side - int(width * (side / height))) // 2, 0
    return [[top <= i < side - top and left <= j < side - left for j in range(side)] for i in range(side)]


@given(st.lists(SIZES, min_size=1, max_size=3), st.integers(1, 24))
def test_a_mask_hides_the_padding_of_each_image(sizes, side) -> None:
    assert image_mask(sizes, side).tolist() == [_mask_by_steps(size, side) for size in sizes]


@given(SIZES, SIDES)
def test_a_window_in_padding_throughout_is_opened_throughout(size, sides) -> None:
    side, factor = sides
    mask = image_mask([size], side * factor)
    plain = _mask_by_steps(size, side * factor)
    expected = [allowed(plain, side, i, j) for i in range(side) for j in range(side)]
    assert window_mask(mask, side)[0].tolist() == expected


def test_padding_rounds_as_the_source_does_in_floating_point() -> None:
    assert 220 * 24 / 352 == 15  # and yet 220 * (24 / 352) is below 15, so that one more row is padding
    assert padding((352, 220), 24) == (0, 5)
    assert padding((220, 352), 24) == (5, 0)


@pytest.mark.parametrize(("size", "hidden"), [((100, 100), 0), ((200, 100), 12 * 25), ((100, 200), 24 * 12)])
def test_rows_of_padding_hide_their_newline_and_columns_do_not(size, hidden) -> None:
    visible = token_mask([size], 24, newline=True)
    assert visible.shape == (1, 600)
    assert int((~visible).sum()) == hidden
    assert torch.equal(visible.view(24, 25)[:, :24], image_mask([size], 24)[0])
    assert torch.equal(token_mask([size], 24, newline=False), image_mask([size], 24).flatten(1))


def test_newlines_of_visible_rows_are_visible() -> None:
    wide, tall = token_mask([(200, 100), (100, 200)], 4, newline=True).view(2, 4, 5)[:, :, 4].tolist()
    assert wide == [False, True, True, False]
    assert tall == [True, True, True, True]


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(Refused, match="an image has 0 x 20 pixels; give a width and a height of 1 or more"):
        image_mask([(0, 20)], 4)


def test_only_empty_rows_are_opened() -> None:
    assert open_empty(torch.tensor([[False, True], [False, False]])).tolist() == [[False, True], [True, True]]


def test_masks_of_all_encoders_follow_one_another() -> None:
    masks = [image_mask([(4, 2)], 4), image_mask([(4, 2)], 2)]
    found = joint_mask(masks, 2)
    assert found is not None
    assert found.tolist() == [[[False, False, True, True, True]] * 2 + [[True, True, False, False, True]] * 2]
    assert joint_mask(None, 2) is None


@given(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
def test_newlines_end_rows_and_come_off_again(side, batch, width) -> None:
    tokens = torch.arange(batch * side**2 * width, dtype=torch.float32).view(batch, side**2, width)
    newline = torch.full((width,), -1.0)
    longer = append_newlines(tokens, newline, side)
    for image, rows in zip(tokens.tolist(), longer.tolist()):
        expected = []
        for i in range(side):
            expected += [*image[i * side : (i + 1) * side], [-1.0] * width]
        assert rows == expected
    image, newlines = split_newlines(longer, side)
    assert torch.equal(image, tokens)
    assert torch.equal(join_newlines(image, newlines), longer)
    assert append_newlines(tokens, None, side) is tokens


@given(st.integers(1, 6), st.integers(1, 6))
def test_regridding_is_bilinear_between_half_pixel_centres(found, side) -> None:
    tokens = torch.randn(2, found**2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(found))
    expected = [[row for line in bilinear(grid_of(one), side) for row in line] for one in tokens]
    stacked = torch.stack([torch.stack(rows) for rows in expected])
    torch.testing.assert_close(regrid(tokens, found, side), stacked, rtol=1e-12, atol=1e-12)
    assert math.isqrt(regrid(tokens, found, side).shape[1]) == side


def test_half_precision_is_regridded_in_single_precision(monkeypatch) -> None:
    given = []
    monkeypatch.setattr(
        regridding, "interpolate", lambda one, **more: given.append(one.dtype) or interpolate(one, **more)
    )
    tokens = torch.randn(1, 9, 4).to(torch.bfloat16)
    assert regrid(tokens, 3, 4).dtype == torch.bfloat16
    assert given == [torch.float32]
