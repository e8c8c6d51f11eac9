"""Orientation: the same thing faces or moves to the left in one drawing, to the right in the other."""

from pipeline.drawing import backdrop
from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Pen
from pipeline.drawing.things import animals, outside


def driving(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    thing = brief.shared.choice(("bus", "car"))
    horizon = backdrop.outdoors(pen, brief)
    backdrop.road(pen, brief, horizon + 0.1)
    outside.tree(pen.at(brief.across(0.16), horizon + 0.05, 0.3), look, look.accent)
    vehicle = outside.bus if thing == "bus" else outside.car
    place = pen.at(brief.across(0.54), horizon + 0.19, brief.shared.uniform(0.58, 0.7), not brief.first)
    vehicle(place, look, look.main)
    return f"a {look.main_name} {thing} driving to the {_way(brief)}"


def fish(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    pen.disc(look.cloud, brief.across(0.2), 0.02, 0.5, 0.2)
    pen.disc(look.hill, brief.across(0.78), 1.0, 0.45, 0.16)
    pen.box(look.ground, -0.1, 0.92, 1.1, 1.1)
    for x, height in ((0.14, 0.36), (0.22, 0.24), (0.88, 0.2)):
        _weed(pen.at(brief.across(x, 0.02), 0.94, height), brief)
    size = brief.shared.uniform(0.5, 0.62)
    animals.fish(
        pen.at(brief.across(0.53), brief.near(0.48, 0.03), size, not brief.first),
        look,
        look.main,
        look.accent,
    )
    for x, y, radius in ((0.87, 0.36, 0.022), (0.9, 0.26, 0.03), (0.86, 0.15, 0.038)):
        bubble = pen.at(brief.across(x, 0.01), y, radius)
        bubble.disc(look.light, 0, 0, 1)
        bubble.disc(look.sky, 0, 0, 0.7)
    return f"a {look.main_name} fish swimming to the {_way(brief)}"


def duck(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    horizon = backdrop.outdoors(pen, brief) - 0.06
    backdrop.water(pen, brief, horizon)
    size = brief.shared.uniform(0.46, 0.56)
    animals.duck(
        pen.at(brief.across(0.6), horizon + brief.near(0.2, 0.03), size, not brief.first),
        look,
        look.main,
        look.accent,
    )
    return f"a {look.main_name} duck swimming to the {_way(brief)}"


def cat(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    floor = backdrop.room(pen, brief)
    pen.disc(look.hill, brief.across(0.42), floor + 0.12, 0.36, 0.075)
    size = brief.shared.uniform(0.5, 0.58)
    animals.cat(pen.at(brief.across(0.4), floor + 0.12, size, not brief.first), look, look.main)
    pen.disc(look.accent, brief.across(0.8), floor + 0.12, 0.06)
    return f"a {look.main_name} cat sitting on a rug, turned to the {_way(brief)}"


def _way(brief: Brief) -> str:
    return "right" if brief.first else "left"


def _weed(pen: Pen, brief: Brief) -> None:
    pen.line(brief.palette.hill, 0.11, (0, 0), (0.08, -0.3), (-0.06, -0.62), (0.05, -1.0))


MOTIFS: tuple[Motif, ...] = (driving, fish, duck, cat)
