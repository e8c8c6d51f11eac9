"""State: the same thing in two conditions: open or closed, full or empty, lit or unlit."""

from pipeline.drawing import backdrop
from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Pen
from pipeline.drawing.things import animals, inside


def door(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    floor = backdrop.room(pen, brief) + 0.06
    frame = pen.at(brief.across(0.36), floor, brief.shared.uniform(0.6, 0.66), not brief.first)
    frame.box(look.light, -0.31, -1.05, 0.31, 0)
    if brief.first:
        frame.box(look.ink, -0.26, -1.0, 0.26, 0)
        frame.polygon(look.main, (0.26, -1.0), (0.62, -1.1), (0.62, 0.12), (0.26, 0))
        frame.disc(look.light, 0.56, -0.48, 0.03)
        pen.box(
            look.accent,
            brief.across(0.36) - 0.17,
            floor + 0.08,
            brief.across(0.36) + 0.17,
            floor + 0.15,
            rounded=0.02,
        )
        animals.cat(pen.at(brief.across(0.82), floor + 0.1, 0.26), look, look.accent)
        return f"an open {look.main_name} door, a {look.accent_name} doormat and a {look.accent_name} cat"
    frame.box(look.main, -0.26, -1.0, 0.26, 0)
    for top in (-0.92, -0.44):
        frame.box(look.accent, -0.18, top, 0.18, top + 0.36, rounded=0.02)
    frame.disc(look.light, -0.22, -0.48, 0.03)
    _shelf(pen.at(brief.across(0.82), 0.6, 0.3), brief)
    return f"a closed {look.main_name} door with two {look.accent_name} panels, a dark cupboard beside it"


def glass(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    top = backdrop.tabletop(pen, brief)
    full, empty = (look.main, None) if brief.first else (None, look.main)
    tall = brief.shared.uniform(0.34, 0.4)
    # not mirrored: the juice moves to the other vessel
    inside.tumbler(pen.at(brief.near(0.27, 0.03), top + brief.near(0.13, 0.02), tall), look, full)
    inside.jug(pen.at(brief.near(0.7, 0.03), top + brief.near(0.13, 0.02), tall * 1.15), look, empty)
    for x in (0.42, 0.5):
        pen.disc(look.accent, brief.near(x, 0.01), top + 0.17, 0.045)
    contents = ("full", "empty") if brief.first else ("empty", "full")
    return f"a glass that is {contents[0]} beside a jug of {look.main_name} juice that is {contents[1]}"


def lamp(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    floor = backdrop.room(pen, brief)
    foot = pen.at(brief.across(0.32), floor + 0.1, brief.shared.uniform(0.6, 0.66))
    if brief.first:
        foot.polygon(look.light, (-0.24, -0.72), (0.24, -0.72), (0.36, 0.0), (-0.36, 0.0))
    foot.line(look.ink, 0.035, (0, -0.9), (0, 0))
    foot.box(look.ink, -0.18, -0.03, 0.18, 0.02, rounded=0.02)
    foot.polygon(look.main, (-0.15, -1.05), (0.15, -1.05), (0.26, -0.72), (-0.26, -0.72))
    _armchair(pen.at(brief.across(0.74), floor + 0.14, 0.36, not brief.first), brief)
    if brief.first:
        return f"a lit floor lamp with a {look.main_name} shade next to an armchair"
    pen.disc(look.light, brief.across(0.5), floor + 0.19, 0.3, 0.045)
    return f"an unlit floor lamp with a {look.main_name} shade next to an armchair, a white rug before it"


def umbrella(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    horizon = backdrop.outdoors(pen, brief)
    size = brief.shared.uniform(0.52, 0.6)
    _bench(pen.at(brief.across(0.76), horizon + 0.14, 0.4), brief)
    if brief.first:
        inside.umbrella_open(pen.at(brief.across(0.29), horizon + 0.14, size), look, look.main)
        return f"an open {look.main_name} umbrella and a {look.accent_name} bench"
    inside.umbrella_closed(pen.at(brief.across(0.3), horizon + 0.14, size * 1.1), look, look.main)
    return f"a closed {look.main_name} umbrella and a {look.accent_name} bench"


def _shelf(pen: Pen, brief: Brief) -> None:
    pen.box(brief.palette.ink, -0.4, 0, 0.4, 1.1, rounded=0.02)
    for y in (0.08, 0.6):
        pen.box(brief.palette.light, -0.04, y + 0.18, 0.04, y + 0.22)
    pen.box(brief.palette.light, -0.36, 0.53, 0.36, 0.55)


def _armchair(pen: Pen, brief: Brief) -> None:
    colour = brief.palette.accent
    for x in (-0.34, 0.34):
        pen.box(brief.palette.ink, x - 0.04, -0.1, x + 0.04, 0)
    pen.box(colour, 0.0, -0.95, 0.42, -0.1, rounded=0.12)
    pen.box(colour, -0.46, -0.45, 0.42, -0.08, rounded=0.1)
    pen.box(brief.palette.hill, -0.4, -0.58, 0.18, -0.4, rounded=0.06)


def _bench(pen: Pen, brief: Brief) -> None:
    for x in (-0.4, 0.4):
        pen.box(brief.palette.ink, x - 0.03, -0.4, x + 0.03, 0)
    for y in (-0.62, -0.48, -0.3):
        pen.box(brief.palette.accent, -0.5, y, 0.5, y + 0.1, rounded=0.02)


MOTIFS: tuple[Motif, ...] = (door, glass, lamp, umbrella)
