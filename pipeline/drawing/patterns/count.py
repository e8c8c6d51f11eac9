"""Count: fewer large things or more small things, so that their color covers the same area."""

from math import sqrt

from pipeline.drawing import backdrop
from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Pen
from pipeline.drawing.things import inside, outside

WORDS = ("no", "one", "two", "three", "four", "five", "six")


def balloons(pen: Pen, brief: Brief) -> str:
    look, number = brief.palette, number_of(brief, 1, 4)
    horizon = backdrop.outdoors(pen, brief)
    outside.house(pen.at(brief.across(0.84), horizon + 0.08, 0.26), look, look.light, look.accent)
    size = 0.46 / sqrt(number)
    for place in range(number):
        x = 0.5 + (place - (number - 1) / 2) * min(0.36, 0.88 / number)
        y = brief.near(0.3 if place % 2 else 0.36, 0.03)
        outside.balloon(pen.at(x, y, size), look, look.main)
    return f"{WORDS[number]} {look.main_name} balloon{'s' if number > 1 else ''} in front of the sky"


def mugs(pen: Pen, brief: Brief) -> str:
    look, number = brief.palette, number_of(brief, 1, 3)
    top = backdrop.tabletop(pen, brief)
    size = 0.38 / sqrt(number)
    _vase(pen.at(brief.across(0.1, 0.01), top + 0.06, 0.22), brief)
    for place in range(number):
        x = brief.across(0.56, 0.0) + (place - (number - 1) / 2) * 0.74 / number
        inside.mug(pen.at(x, top + brief.near(0.11, 0.015), size, not brief.first), look.main, look.light)
    return f"{WORDS[number]} {look.main_name} mug{'s' if number > 1 else ''} on a table"


def boats(pen: Pen, brief: Brief) -> str:
    look, number = brief.palette, number_of(brief, 1, 4)
    horizon = backdrop.outdoors(pen, brief) - 0.08
    backdrop.water(pen, brief, horizon)
    size = 0.56 / sqrt(number)
    for place in range(number):
        x = 0.5 + (place - (number - 1) / 2) * 0.86 / number
        y = horizon + (0.2 if place % 2 else 0.11)
        _boat(pen.at(x, y, size, not brief.first), brief)
    return f"{WORDS[number]} sailing boat{'s' if number > 1 else ''} with {look.main_name} sails"


def number_of(brief: Brief, least: int, most: int) -> int:
    """Return how many things this variant shows: the first has at least one fewer than the second."""
    few = brief.shared.randint(least, most - 1)
    many = brief.shared.randint(few + 1, most)
    return few if brief.first else many


def _boat(pen: Pen, brief: Brief) -> None:
    look = brief.palette
    pen.polygon(look.accent, (-0.5, -0.2), (0.5, -0.2), (0.34, 0.02), (-0.36, 0.02))
    pen.box(look.ink, -0.015, -0.98, 0.015, -0.2)
    pen.polygon(look.main, (0.02, -0.98), (0.02, -0.27), (0.44, -0.27))
    pen.polygon(look.main, (-0.01, -0.9), (-0.01, -0.27), (-0.34, -0.27))


def _vase(pen: Pen, brief: Brief) -> None:
    look = brief.palette
    pen.line(look.ink, 0.05, (0, -0.5), (-0.06, -1.1))
    pen.disc(look.accent, -0.06, -1.2, 0.26)
    pen.disc(look.light, -0.06, -1.2, 0.1)
    pen.polygon(look.light, (-0.2, -0.7), (0.2, -0.7), (0.3, 0), (-0.3, 0))


MOTIFS: tuple[Motif, ...] = (balloons, mugs, boats)
