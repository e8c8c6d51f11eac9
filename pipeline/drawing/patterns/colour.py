"""Color: two things of equal area exchange their colors."""

from pipeline.drawing import backdrop
from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Colour, Pen
from pipeline.drawing.palette import Palette
from pipeline.drawing.things import animals, inside, outside


def car_and_house(pen: Pen, brief: Brief) -> str:
    look = _coloured(brief)
    horizon = backdrop.outdoors(pen, brief)
    size = brief.shared.uniform(0.5, 0.56)
    home = pen.at(brief.near(0.28, 0.03), horizon + brief.near(0.09, 0.04), size * 0.9)
    outside.house(home, look, look.main, look.ink)
    outside.car(pen.at(brief.near(0.67, 0.04), horizon + brief.near(0.24, 0.03), size), look, look.accent)
    return f"a {look.accent_name} car in front of a {look.main_name} house with a dark roof"


def mugs(pen: Pen, brief: Brief) -> str:
    look = _coloured(brief)
    top = backdrop.tabletop(pen, brief)
    size = brief.shared.uniform(0.34, 0.4)
    inside.mug(pen.at(brief.near(0.28, 0.04), brief.near(top + 0.13, 0.02), size, True), look.main, look.light)
    inside.mug(pen.at(brief.near(0.72, 0.04), brief.near(top + 0.13, 0.02), size), look.accent, look.light)
    return f"a {look.main_name} mug on the left and a {look.accent_name} mug on the right"


def duck_and_boat(pen: Pen, brief: Brief) -> str:
    look = _coloured(brief)
    horizon = backdrop.outdoors(pen, brief) - 0.06
    backdrop.water(pen, brief, horizon)
    size = brief.shared.uniform(0.4, 0.46)
    animals.duck(pen.at(brief.near(0.28, 0.04), horizon + brief.near(0.22, 0.03), size), look, look.main, look.ink)
    _boat(pen.at(brief.near(0.73, 0.03), horizon + brief.near(0.17, 0.02), size * 1.12), look, look.accent)
    return f"a {look.main_name} duck and a boat with {look.accent_name} sails"


def houses(pen: Pen, brief: Brief) -> str:
    look = _coloured(brief)
    horizon = backdrop.outdoors(pen, brief)
    size = brief.shared.uniform(0.46, 0.52)
    left = pen.at(brief.near(0.27, 0.03), horizon + brief.near(0.15, 0.04), size)
    right = pen.at(brief.near(0.74, 0.03), horizon + brief.near(0.15, 0.04), size, True)
    outside.house(left, look, look.light, look.main)
    outside.house(right, look, look.light, look.accent)
    return f"a house with a {look.main_name} roof to the left of a house with a {look.accent_name} roof"


def _coloured(brief: Brief) -> Palette:
    return brief.palette if brief.first else brief.palette.swapped()


def _boat(pen: Pen, look: Palette, sail: Colour) -> None:
    pen.polygon(look.ink, (-0.42, -0.14), (0.42, -0.14), (0.3, 0.02), (-0.3, 0.02))
    pen.box(look.ink, -0.02, -0.9, 0.02, -0.1)
    pen.polygon(sail, (0.04, -0.92), (0.04, -0.2), (0.48, -0.2))
    pen.polygon(sail, (-0.03, -0.84), (-0.03, -0.2), (-0.38, -0.2))


MOTIFS: tuple[Motif, ...] = (car_and_house, mugs, duck_and_boat, houses)
