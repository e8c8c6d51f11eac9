"""Presence: something is present in one drawing and missing in the other, where its colors appear elsewhere."""

from pipeline.drawing import backdrop
from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Pen
from pipeline.drawing.things import outside


def hat(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    horizon = backdrop.outdoors(pen, brief)
    size = brief.shared.uniform(0.54, 0.6)
    outside.fir(pen.at(brief.across(0.8), horizon + 0.1, 0.46), look, look.accent)
    snowman = pen.at(brief.across(0.36), horizon + 0.2, size, not brief.first)
    outside.snowman(snowman, look, look.main)
    if brief.first:
        _hat(snowman.at(0, -0.95), brief)
        return f"a snowman with a {look.main_name} scarf wearing a hat"
    _sledge(pen.at(brief.across(0.76), horizon + 0.24, 0.34), brief)
    return f"a snowman with a {look.main_name} scarf and a bare head, a sledge beside him"


def candles(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    top = backdrop.tabletop(pen, brief)
    cake = pen.at(brief.across(0.42), top + 0.08, brief.shared.uniform(0.46, 0.54))
    cake.disc(look.light, 0, -0.02, 0.66, 0.08)
    cake.box(look.main, -0.5, -0.5, 0.5, -0.02, rounded=0.06)
    cake.box(look.light, -0.5, -0.3, 0.5, -0.22)
    cake.box(look.accent, -0.5, -0.56, 0.5, -0.44, rounded=0.05)
    for x in (-0.4, -0.13, 0.14, 0.38):
        cake.disc(look.accent, x, -0.44, 0.075, 0.1)
    if not brief.first:
        _plate(pen.at(brief.across(0.82), top + 0.14, 0.2), brief)
        return f"a {look.main_name} cake without candles and a plate"
    for x in (-0.3, -0.1, 0.1, 0.3):
        cake.box(look.accent, x - 0.03, -0.82, x + 0.03, -0.54)
        cake.disc(look.main, x, -0.88, 0.035, 0.06)
    return f"a {look.main_name} cake with four burning candles"


def chimney(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    horizon = backdrop.outdoors(pen, brief)
    size = brief.shared.uniform(0.5, 0.58)
    outside.tree(pen.at(brief.across(0.82), horizon + 0.1, 0.4), look, look.accent)
    home = pen.at(brief.across(0.37), horizon + 0.14, size, not brief.first)
    if brief.first:
        home.box(look.main, 0.2, -1.06, 0.34, -0.7)
        for x, y, radius in ((0.3, -1.15, 0.06), (0.37, -1.27, 0.08), (0.47, -1.4, 0.1)):
            home.disc(look.cloud, x, y, radius)
    outside.house(home, look, look.light, look.main)
    if brief.first:
        return f"a white house with a smoking chimney on its {look.main_name} roof"
    _fence(pen.at(brief.across(0.83), horizon + 0.22, 0.3), brief)
    return f"a white house whose {look.main_name} roof has no chimney, and a fence"


def _hat(pen: Pen, brief: Brief) -> None:
    pen.box(brief.palette.ink, -0.26, -0.06, 0.26, 0, rounded=0.03)
    pen.box(brief.palette.ink, -0.16, -0.3, 0.16, -0.02, rounded=0.02)
    pen.box(brief.palette.main, -0.16, -0.12, 0.16, -0.05)


def _sledge(pen: Pen, brief: Brief) -> None:
    pen.line(brief.palette.ink, 0.08, (-0.5, 0), (0.45, 0), (0.55, -0.12))
    for x in (-0.3, 0.3):
        pen.line(brief.palette.ink, 0.07, (x, 0), (x, -0.2))
    pen.box(brief.palette.ink, -0.5, -0.28, 0.5, -0.19, rounded=0.03)


def _plate(pen: Pen, brief: Brief) -> None:
    pen.disc(brief.palette.light, 0, 0, 0.6, 0.14)
    pen.disc(brief.palette.cloud, 0, 0, 0.4, 0.08)


def _fence(pen: Pen, brief: Brief) -> None:
    for y in (-0.32, -0.16):
        pen.box(brief.palette.main, -0.6, y, 0.6, y + 0.07)
    for x in (-0.5, -0.25, 0, 0.25, 0.5):
        pen.polygon(brief.palette.main, (x - 0.06, 0), (x - 0.06, -0.4), (x, -0.5), (x + 0.06, -0.4), (x + 0.06, 0))


MOTIFS: tuple[Motif, ...] = (hat, candles, chimney)
