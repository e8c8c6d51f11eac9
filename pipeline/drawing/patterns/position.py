"""Position: the same two things, one in a different place relative to the other."""

from pipeline.drawing import backdrop
from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Pen
from pipeline.drawing.things import animals, inside, outside


def cat(pen: Pen, brief: Brief) -> str:
    look, where = brief.palette, place_of(brief, "to the left of", "to the right of", "on", "under")
    floor = backdrop.room(pen, brief) + 0.12
    x, wide = brief.across(0.5, 0.04), brief.shared.uniform(0.52, 0.58)
    if where in ("on", "under"):
        x += 0.12 if brief.first else -0.12
    else:
        x += 0.15 if where == "to the left of" else -0.15
    inside.table(pen.at(x, floor, wide), look.accent)
    dx, dy = {"on": (0, -0.6 * wide), "under": (0, 0.0)}.get(where, (0.42 if "right" in where else -0.42, 0.03))
    animals.cat(pen.at(x + dx, floor + dy, 0.29, where == "to the right of"), look, look.main)
    return f"a {look.main_name} cat {where} a {look.accent_name} table"


def ball(pen: Pen, brief: Brief) -> str:
    look, where = brief.palette, place_of(brief, "to the left of", "to the right of", "on")
    floor = backdrop.room(pen, brief) + 0.13
    x, wide = brief.across(0.5, 0.04), brief.shared.uniform(0.36, 0.42)
    x += {"to the left of": 0.17, "to the right of": -0.17, "on": 0.0}[where]
    inside.crate(pen.at(x, floor, wide), look, look.accent)
    dx, dy = {"to the left of": (-0.38, 0.02), "to the right of": (0.38, 0.02), "on": (0, -0.8 * wide)}[where]
    inside.ball(pen.at(x + dx, floor + dy, brief.shared.uniform(0.24, 0.28)), look, look.main)
    return f"a {look.main_name} ball {where} a {look.accent_name} crate"


def balloon(pen: Pen, brief: Brief) -> str:
    look, where = brief.palette, place_of(brief, "to the left of", "to the right of", "above")
    horizon = backdrop.outdoors(pen, brief)
    x = {"to the left of": 0.7, "to the right of": 0.3, "above": brief.across(0.42)}[where]
    outside.house(pen.at(brief.near(x, 0.03), horizon + 0.17, 0.37), look, look.light, look.accent)
    dx = {"to the left of": -0.42, "to the right of": 0.42, "above": 0.0}[where]
    _hot_air(pen.at(x + dx, horizon - (0.31 if where == "above" else 0.13), 0.3), brief)
    return f"a {look.main_name} hot-air balloon {where} a white house with a {look.accent_name} roof"


def place_of(brief: Brief, *places: str) -> str:
    """Return where the thing is in this variant; the two variants get different places."""
    shuffled = list(places)
    brief.shared.shuffle(shuffled)
    return shuffled[0] if brief.first else shuffled[1]


def _hot_air(pen: Pen, brief: Brief) -> None:
    look = brief.palette
    for x in (-0.09, 0.09):
        pen.line(look.ink, 0.015, (x * 2.6, -0.2), (x, 0.16))
    pen.polygon(look.main, (-0.33, -0.34), (0.33, -0.34), (0.1, 0.04), (-0.1, 0.04))
    pen.disc(look.main, 0, -0.48, 0.37)
    pen.disc(look.light, 0, -0.44, 0.1, 0.37)
    pen.box(look.ink, -0.11, 0.14, 0.11, 0.3, rounded=0.03)


MOTIFS: tuple[Motif, ...] = (cat, ball, balloon)
