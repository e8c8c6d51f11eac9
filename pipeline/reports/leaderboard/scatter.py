"""Scatter: where the points and labels of a scatter plot go, in the units of its SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEFT, TOP, SIDE = 44.0, 14.0, 250.0  # of the square in which points lie
WIDTH, HEIGHT = LEFT + SIDE + 16, TOP + SIDE + 44
LETTER, LINE = 6.1, 13.0  # width of a letter of a label, and its height
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Dot:
    """A point, and its label's place: `anchor` is SVG's text-anchor."""

    x: float
    y: float
    label: str
    label_x: float
    label_y: float
    anchor: str


def across(share: float) -> float:
    return LEFT + share * SIDE


def down(share: float) -> float:
    return TOP + (1 - share) * SIDE


def dots(points: Sequence[tuple[str, float, float]]) -> list[Dot]:
    """Place points (name, x, y from 0 to 1); those in one place are one dot with all their names."""
    names = defaultdict[tuple[float, float], list[str]](list)
    for name, x, y in points:
        names[round(x, 6), round(y, 6)].append(name)
    taken: list[Box] = [_around(across(x), down(y)) for x, y in names]
    return [_dot(x, y, ", ".join(labels), taken) for (x, y), labels in sorted(names.items())]


def _dot(x: float, y: float, label: str, taken: list[Box]) -> Dot:
    """Put the label where it covers nothing: beside the point, else above or below; else where it covers least."""
    at = across(x), down(y)
    best = min(_places(*at), key=lambda one: sum(_shared(_box(one, label), box) for box in (*taken, *OUTSIDE)))
    taken.append(_box(best, label))
    return Dot(round(at[0], 1), round(at[1], 1), label, round(best[0], 1), round(best[1], 1), best[2])


def _places(x: float, y: float) -> Iterator[tuple[float, float, str]]:
    for rise in (0.0, -LINE, LINE, -2 * LINE, 2 * LINE):
        yield x + 9, y + 4 + rise, "start"
        yield x - 9, y + 4 + rise, "end"
        yield x, y + 4 + (rise or -LINE), "middle"


def _box(place: tuple[float, float, str], label: str) -> Box:
    width = LETTER * len(label)
    left = place[0] - {"start": 0.0, "middle": width / 2, "end": width}[place[2]]
    return left, place[1] - LINE + 3, left + width, place[1] + 3


def _around(x: float, y: float) -> Box:
    return x - 5, y - 5, x + 5, y + 5


def _shared(one: Box, other: Box) -> float:
    """Return the area that two boxes share."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)


OUTSIDE: tuple[Box, ...] = (
    (-500.0, -500.0, LEFT + 1, 900.0),
    (WIDTH - 2, -500.0, 900.0, 900.0),
    (-500.0, -500.0, 900.0, 0.0),
    (-500.0, TOP + SIDE + 2, 900.0, 900.0),
)
