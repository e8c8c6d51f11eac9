"""Scatter: where the points and labels of a scatter plot go, in the units of its SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

LEFT, TOP, SIDE = 44.0, 14.0, 250.0  # of the square in which points lie
WIDTH, HEIGHT = LEFT + SIDE + 16, TOP + SIDE + 44
LETTER, LINE = 6.1, 13.0  # width of a letter of a label, and its height
LONGEST = 24  # letters of a line of a label
HARD = "\u00a0"  # a blank at which no line ends
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Dot:
    """A point, and its label's place: `anchor` is SVG's text-anchor; `leader`: the path of a line between the two."""

    x: float
    y: float
    names: tuple[str, ...]
    lines: tuple[str, ...]  # the label
    label_x: float
    label_y: float  # of the first line; the others follow at LINE each
    anchor: str
    leader: str = ""  # "" where the label is right beside its point


@dataclass(frozen=True)
class Place:
    """Where a label could be: its anchor, and the baselines of its first and last line."""

    x: float
    first: float
    last: float
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
    return [_dot(x, y, tuple(labels), taken) for (x, y), labels in sorted(names.items())]


def _dot(x: float, y: float, names: tuple[str, ...], taken: list[Box]) -> Dot:
    """Put the label where it covers nothing: beside the point, else above or below; else where it covers least."""
    at, lines = (across(x), down(y)), _lines(names)
    places = _places(*at, (len(lines) - 1) * LINE)
    best = min(places, key=lambda one: sum(_shared(_box(one, lines), box) for box in (*taken, *OUTSIDE)))
    taken.append(_box(best, lines))
    label = (names, lines, round(best.x, 1), round(best.first, 1), best.anchor)
    return Dot(round(at[0], 1), round(at[1], 1), *label, _leader(at, best))


def _lines(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of one point as lines of at most LONGEST letters; a name that is longer is cut."""
    short = [one if len(one) < LONGEST else one[: LONGEST - 2] + "…" for one in names]
    return tuple(wrap(", ".join(one.replace(" ", HARD) for one in short), LONGEST, break_long_words=False))


def _places(x: float, y: float, tall: float) -> Iterator[Place]:
    """Yield the places of a label, nearest first; `tall`: from its first to its last baseline."""
    for rise in (0.0, *(sign * lines * LINE for lines in range(1, 6) for sign in (-1, 1))):
        beside = y + 4 + rise - tall / 2
        yield Place(x + 9, beside, beside + tall, "start")
        yield Place(x - 9, beside, beside + tall, "end")
        over = y + 4 + (rise if rise > 0 else (rise or -LINE) - tall)
        yield Place(x, over, over + tall, "middle")


def _leader(at: tuple[float, float], place: Place) -> str:
    """Return a line from the point to its label, if that is not on the point's own line or next to it."""
    middle = (place.first + place.last) / 2 - 4
    if place.anchor != "middle":
        end, near = middle, abs(middle - at[1]) < LINE / 2
    else:
        end = place.last + 2 if middle < at[1] else place.first - LINE + 3
        near = abs(end - at[1]) < LINE
    return "" if near else f"M{at[0]:.1f} {at[1]:.1f}L{place.x:.1f} {end:.1f}"


def _box(place: Place, lines: tuple[str, ...]) -> Box:
    wide = LETTER * max(map(len, lines))
    left = place.x - {"start": 0.0, "middle": wide / 2, "end": wide}[place.anchor]
    return left, place.first - LINE + 4, left + wide, place.last + 3


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
