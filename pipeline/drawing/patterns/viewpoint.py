"""Viewpoint: the same thing seen from above and from the side."""

from math import cos, pi, sin

from pipeline.drawing import backdrop
from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Pen
from pipeline.drawing.things import inside, outside


def mug(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    if brief.first:
        backdrop.cloth(pen, brief)
        inside.mug_above(pen.at(0.47, brief.near(0.55, 0.02), 0.34), look, look.main, look.accent)
        return f"a {look.main_name} mug of {look.accent_name} juice on a saucer, seen from above"
    top = backdrop.tabletop(pen, brief)
    pen.disc(look.light, 0.5, top + 0.13, 0.34, 0.055)
    side = pen.at(brief.near(0.48, 0.03), top + 0.13, 0.4)
    inside.mug(side, look.main, look.accent)
    side.disc(look.accent, 0, -0.97, 0.37, 0.06)
    return f"a {look.main_name} mug of {look.accent_name} juice on a saucer, seen from the side"


def car(pen: Pen, brief: Brief) -> str:
    look, way = brief.palette, brief.shared.random() < 0.5
    if not brief.first:
        horizon = backdrop.outdoors(pen, brief)
        backdrop.road(pen, brief, horizon + 0.1)
        outside.car(pen.at(brief.near(0.5, 0.05), horizon + 0.19, 0.66, way), look, look.main)
        return f"a {look.main_name} car on a road, seen from the side"
    pen.disc(look.hill, 0.08, 0.1, 0.2)
    pen.disc(look.hill, 0.95, 0.12, 0.16)
    pen.box(look.ground, -0.1, 0.84, 1.1, 1.1)
    pen.box(look.ink, -0.1, 0.42, 1.1, 0.66)
    for left in (0.0, 0.25, 0.5, 0.75, 1.0):
        pen.box(look.light, left, 0.53, left + 0.12, 0.55)
    outside.car_above(pen.at(brief.near(0.5, 0.05), 0.54, 0.5, way), look, look.main)
    return f"a {look.main_name} car on a road, seen from above"


def flower(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    top = backdrop.tabletop(pen, brief) if not brief.first else 0.0
    if brief.first:
        backdrop.cloth(pen, brief)
        pot = pen.at(brief.near(0.5, 0.02), brief.near(0.53, 0.02), 0.3)
        pot.disc(look.accent, 0, 0, 1)
        pot.disc(look.hill, 0, 0, 0.84)
        _blossom(pot, brief)
        return f"a {look.main_name} flower in a {look.accent_name} pot, seen from above"
    pot = pen.at(brief.near(0.5, 0.04), top + 0.15, 0.4)
    pot.line(look.ink, 0.05, (0, -0.6), (0.02, -1.3))
    pot.polygon(look.accent, (-0.42, -0.72), (0.42, -0.72), (0.32, 0), (-0.32, 0))
    pot.box(look.accent, -0.48, -0.84, 0.48, -0.66, rounded=0.03)
    for side in (-1, 1):
        pot.polygon(look.hill, (0, -0.84), (side * 0.3, -1.1), (side * 0.46, -1.08), (side * 0.34, -0.9))
    _bloom_aside(pot.at(0.02, -1.16, 1.35), brief)
    return f"a {look.main_name} flower in a {look.accent_name} pot, seen from the side"


def _blossom(pen: Pen, brief: Brief) -> None:
    for turn in range(8):
        angle = turn * pi / 4
        pen.disc(brief.palette.main, 0.38 * cos(angle), 0.38 * sin(angle), 0.22)
    pen.disc(brief.palette.light, 0, 0, 0.2)


def _bloom_aside(pen: Pen, brief: Brief) -> None:
    for x, lift in ((-0.42, 0.34), (-0.22, 0.5), (0, 0.56), (0.22, 0.5), (0.42, 0.34)):
        pen.polygon(brief.palette.main, (0, 0), (x - 0.13, -lift + 0.12), (x, -lift - 0.1), (x + 0.13, -lift + 0.12))
    pen.disc(brief.palette.main, 0, -0.02, 0.14)


MOTIFS: tuple[Motif, ...] = (mug, car, flower)
