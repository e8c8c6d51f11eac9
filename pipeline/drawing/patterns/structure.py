"""Structure: the same amount of the same colors, arranged differently: solid or ring, striped or halved."""

from math import cos, pi, sin, sqrt

from pipeline.drawing import backdrop
from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Colour, Pen


def biscuit(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    backdrop.cloth(pen, brief)
    plate = pen.at(brief.across(0.5, 0.03), brief.near(0.52, 0.02), brief.shared.uniform(0.34, 0.39))
    plate.disc(look.light, 0, 0, 1)
    if brief.first:
        plate.disc(look.main, 0, 0, 0.6)
        _crumbs(plate, 0.35, look.accent)
        return f"a solid round {look.main_name} biscuit on a white plate"
    plate.disc(look.main, 0, 0, 0.84)
    plate.disc(look.light, 0, 0, sqrt(0.84**2 - 0.6**2))
    _crumbs(plate, 0.715, look.accent)
    return f"a ring-shaped {look.main_name} biscuit on a white plate"


def flag(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    horizon = backdrop.outdoors(pen, brief)
    pole = pen.at(brief.across(0.16, 0.02), horizon + 0.12, brief.shared.uniform(0.68, 0.74), not brief.first)
    pole.box(look.ink, -0.025, -1.05, 0.025, 0)
    pole.disc(look.light, 0, -1.06, 0.04)
    _cloth(pole.at(0.025, -1.0), brief)
    pattern = "six upright stripes" if brief.first else "one half above the other"
    return f"a flag in {look.main_name} and {look.accent_name}: {pattern}"


def rug(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    backdrop.cloth(pen, brief)
    corner = pen.at(brief.across(0.5, 0.03), brief.near(0.53, 0.02), brief.shared.uniform(0.6, 0.68))
    corner.box(look.light, -0.54, -0.54, 0.54, 0.54, rounded=0.03)
    corner.box(look.main, -0.5, -0.5, 0.5, 0.5)
    if not brief.first:
        corner.disc(look.accent, 0, 0, sqrt(0.5 / pi))
        return f"a {look.main_name} rug with one large {look.accent_name} disc"
    for across in range(4):
        for down in range(across % 2, 4, 2):
            left, top = across / 4 - 0.5, down / 4 - 0.5
            corner.box(look.accent, left, top, left + 0.25, top + 0.25)
    return f"a rug chequered in {look.main_name} and {look.accent_name}"


def _crumbs(pen: Pen, radius: float, colour: Colour) -> None:
    for turn in range(8):
        angle = turn * pi / 4
        pen.disc(colour, radius * cos(angle), radius * sin(angle), 0.07)


def _cloth(pen: Pen, brief: Brief) -> None:
    look = brief.palette
    pen.box(look.main, 0, 0, 0.9, 0.6)
    if not brief.first:
        pen.box(look.accent, 0, 0.3, 0.9, 0.6)
        return
    for stripe in (1, 3, 5):
        pen.box(look.accent, stripe * 0.15, 0, stripe * 0.15 + 0.15, 0.6)


MOTIFS: tuple[Motif, ...] = (biscuit, flag, rug)
