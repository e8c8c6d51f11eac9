"""Backdrops: what is behind and under the things of a scene, in different places in the two variants."""

from math import cos, pi

from pipeline.drawing.brief import Brief
from pipeline.drawing.canvas import Pen


def outdoors(pen: Pen, brief: Brief) -> float:
    """Draw sun, clouds, hills and ground on the sky; return the height of the horizon."""
    look = brief.palette
    horizon = brief.shared.uniform(0.62, 0.72) + brief.own.uniform(-0.02, 0.02)
    if brief.shared.random() < 0.6:
        pen.disc(look.light, brief.across(0.82), brief.near(0.16, 0.03), 0.075)
    for x, y, size in ((0.25, 0.16, 0.2), (0.62, 0.28, 0.15)):
        cloud(pen.at(brief.across(x, 0.08), brief.near(y, 0.04), size), brief)
    swell = brief.shared.uniform(0.10, 0.16)
    pen.disc(look.hill, brief.across(0.12), horizon + 0.12, 0.42, 0.12 + swell)
    pen.disc(look.hill, brief.across(0.72), horizon + 0.1, 0.36, 0.1 + swell * 0.55)
    pen.box(look.ground, -0.1, horizon, 1.1, 1.1)
    return horizon


def cloud(pen: Pen, brief: Brief) -> None:
    """Draw a cloud one unit wide around the origin."""
    tint = brief.palette.cloud
    pen.box(tint, -0.5, -0.02, 0.5, 0.22, rounded=0.12)
    pen.disc(tint, -0.16, -0.02, 0.2)
    pen.disc(tint, 0.14, -0.06, 0.25)


def road(pen: Pen, brief: Brief, top: float) -> None:
    """Draw a road across the ground, with a dashed center line."""
    look = brief.palette
    pen.box(look.ink, -0.1, top, 1.1, top + 0.17)
    for step in range(6):
        left = step * 0.2 + (0.02 if brief.first else 0.1) - 0.1
        pen.box(look.light, left, top + 0.078, left + 0.1, top + 0.094)


def water(pen: Pen, brief: Brief, top: float) -> None:
    """Draw a rippled lake of the ground's color below `top`."""
    look = brief.palette
    pen.box(look.ground, -0.1, top, 1.1, 1.1)
    for x, y in ((0.1, 0.1), (0.55, 0.06), (0.3, 0.2), (0.75, 0.17), (0.05, 0.28), (0.6, 0.29)):
        left, depth = brief.across(x, 0.04), top + y
        pen.line(look.hill, 0.014, *((left + dx / 100, depth - 0.008 * cos(dx * pi / 8)) for dx in range(0, 17, 4)))


def room(pen: Pen, brief: Brief) -> float:
    """Draw a room with a window or a picture on its wall; return the height of the floor's edge."""
    edge = bare_room(pen, brief)
    place = pen.at(brief.across(0.8, 0.02), brief.near(0.26, 0.03))
    if brief.shared.random() < 0.5:
        window(place, brief)
    else:
        picture(place, brief)
    return edge


def bare_room(pen: Pen, brief: Brief) -> float:
    """Draw a wall, a baseboard and a floor; return the height of the floor's edge."""
    look = brief.palette
    edge = brief.shared.uniform(0.7, 0.77) + brief.own.uniform(-0.015, 0.015)
    pen.box(look.cloud, -0.1, edge - 0.03, 1.1, edge)
    pen.box(look.ground, -0.1, edge, 1.1, 1.1)
    return edge


def window(pen: Pen, brief: Brief) -> None:
    """Draw a window of four panes, 0.26 wide, around the origin."""
    look = brief.palette
    pen.box(look.light, -0.13, -0.16, 0.13, 0.16, rounded=0.012)
    for x in (-0.11, 0.01):
        for y in (-0.14, 0.01):
            pen.box(look.hill, x, y, x + 0.1, y + 0.13)
    pen.box(look.light, -0.15, 0.15, 0.15, 0.18, rounded=0.01)


def picture(pen: Pen, brief: Brief) -> None:
    """Draw a framed landscape, 0.3 wide, around the origin."""
    look = brief.palette
    pen.box(look.ink, -0.15, -0.12, 0.15, 0.12, rounded=0.008)
    pen.box(look.light, -0.135, -0.105, 0.135, 0.105)
    pen.polygon(look.hill, (-0.135, 0.105), (-0.04, -0.05), (0.03, 0.03), (0.07, -0.02), (0.135, 0.105))


def tabletop(pen: Pen, brief: Brief) -> float:
    """Draw a wall behind a table seen from the front; return the height of the table's top."""
    look = brief.palette
    top = brief.shared.uniform(0.68, 0.74) + brief.own.uniform(-0.015, 0.015)
    pen.disc(look.cloud, brief.across(0.3, 0.05), brief.near(0.36, 0.04), 0.29)
    pen.box(look.ground, -0.1, top, 1.1, 1.1)
    pen.box(look.hill, -0.1, top, 1.1, top + 0.035)
    return top


def cloth(pen: Pen, brief: Brief) -> None:
    """Draw a table seen from above, with a broad runner along it and a round cloth on the runner."""
    look = brief.palette
    pen.disc(look.cloud, brief.across(0.45, 0.02), brief.near(0.52, 0.02), 0.37)
    upper, lower = brief.near(0.08, 0.02), brief.near(0.94, 0.02)
    pen.box(look.ground, -0.1, -0.1, 1.1, upper)
    pen.box(look.ground, -0.1, lower, 1.1, 1.1)
    pen.box(look.hill, -0.1, upper, 1.1, upper + 0.025)
    pen.box(look.hill, -0.1, lower - 0.025, 1.1, lower)
