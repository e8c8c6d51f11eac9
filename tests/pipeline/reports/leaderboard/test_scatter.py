"""Scatter plots: every point where its share is, every name beside it, and names apart where there is room."""

from __future__ import annotations

import itertools
import random

import pytest

from pipeline.reports.leaderboard.scatter import HEIGHT, LEFT, SIDE, TOP, WIDTH, Dot, dots
from stages.patterns import PATTERNS

NAMES = [one.name for one in PATTERNS]
HIGH, WIDE = 12.0, 6.1  # of a line and a letter, by a browser's own measure at 11 px


def box(dot: Dot) -> tuple[float, float, float, float]:
    """The label's left, top, right and bottom."""
    wide = WIDE * max(len(line) for line in dot.lines)
    left = dot.label_x - {"start": 0, "middle": wide / 2, "end": wide}[dot.anchor]
    return left, dot.label_y - HIGH + 3, left + wide, dot.label_y + 3 + 13 * (len(dot.lines) - 1)


def overlaps(found: list[Dot]) -> int:
    boxes = [box(one) for one in found]
    return sum(
        min(one[2], two[2]) > max(one[0], two[0]) and min(one[3], two[3]) > max(one[1], two[1])
        for one, two in itertools.combinations(boxes, 2)
    )


def test_a_point_lies_where_its_shares_are() -> None:
    [low, high] = dots([("a", 0.0, 0.0), ("b", 1.0, 0.5)])
    assert (low.x, low.y) == (LEFT, TOP + SIDE)
    assert (high.x, high.y) == (LEFT + SIDE, TOP + SIDE / 2)


def test_points_in_one_place_are_one_dot_with_all_names() -> None:
    found = dots([("a", 0.2, 0.4), ("b", 0.5, 0.5), ("c", 0.2, 0.4)])
    assert sorted(one.lines for one in found) == [("a, c",), ("b",)]


def test_names_of_nine_patterns_overlap_in_no_plot_of_fifteen_pairs_each() -> None:
    dice = random.Random(5)
    for _ in range(200):
        found = dots([(name, dice.randint(0, 15) / 15, dice.randint(0, 15) / 15) for name in NAMES])
        assert overlaps(found) == 0, found


@pytest.mark.parametrize("names", [["orientation"], NAMES, ["A category that has the name of a whole sentence"]])
def test_every_name_stays_inside_the_drawing(names: list[str]) -> None:
    for x, y in itertools.product([0.0, 0.5, 1.0], [0.0, 0.5, 1.0]):
        [found] = dots([(name, x, y) for name in names])
        left, top, right, bottom = box(found)
        assert 0 <= left < right <= WIDTH, found
        assert 0 <= top < bottom <= HEIGHT, found
        assert list(found.names) == names


def test_a_name_that_is_not_beside_its_point_has_a_line_to_it() -> None:
    crowd = dots([(f"{name} {number}", 0.4 + number / 50, 0.5) for number, name in enumerate(NAMES)])
    beside = [one for one in crowd if abs(one.label_y - 4 - one.y) < 1]
    assert [one for one in beside if one.leader] == []
    far = [one for one in crowd if abs(one.label_y - 4 - one.y) > 20]
    assert far
    assert all(one.leader.startswith(f"M{one.x:.1f} {one.y:.1f}L") for one in far)
