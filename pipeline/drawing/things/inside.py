"""Inside: household things: mugs, glasses, lamps, tables, umbrellas."""

from pipeline.drawing.canvas import Colour, Pen
from pipeline.drawing.palette import Palette


def mug(pen: Pen, glaze: Colour, band: Colour) -> None:
    """Draw a mug one unit high with a band around it, its handle to the right."""
    pen.arc(glaze, 0.38, -0.5, 0.27, -90, 90, 0.11)
    pen.box(glaze, -0.42, -1.0, 0.42, 0, rounded=0.12)
    pen.box(band, -0.42, -0.66, 0.42, -0.42)


def mug_above(pen: Pen, look: Palette, glaze: Colour, drink: Colour) -> None:
    """Draw a mug on a saucer seen from above, two units across around the origin."""
    pen.disc(look.ground, 0, 0, 1.0)
    pen.disc(look.light, 0, 0, 0.78)
    pen.disc(look.ground, 0, 0, 0.7)
    pen.box(glaze, 0.5, -0.1, 0.95, 0.1, rounded=0.08)
    pen.disc(glaze, 0, 0, 0.64)
    pen.disc(drink, 0, 0, 0.42)


def tumbler(pen: Pen, look: Palette, drink: Colour | None) -> None:
    """Draw a glass one unit high, empty if there is no drink."""
    pen.polygon(look.hill, (-0.36, -1.0), (0.36, -1.0), (0.27, 0), (-0.27, 0))
    if drink is not None:
        pen.polygon(drink, (-0.335, -0.86), (0.335, -0.86), (0.262, -0.05), (-0.262, -0.05))
    pen.line(look.light, 0.05, (-0.36, -1.0), (-0.27, -0.02), (0.27, -0.02), (0.36, -1.0))


def jug(pen: Pen, look: Palette, drink: Colour | None) -> None:
    """Draw a jug one unit high, its handle to the right, empty if there is no drink."""
    pen.arc(look.light, 0.27, -0.55, 0.24, -100, 90, 0.06)
    pen.polygon(look.hill, (-0.36, -1.0), (0.24, -1.0), (0.33, 0), (-0.33, 0))
    if drink is not None:
        pen.polygon(drink, (-0.305, -0.62), (0.275, -0.62), (0.31, -0.04), (-0.31, -0.04))
    pen.line(look.light, 0.05, (-0.38, -1.0), (-0.33, -0.02), (0.33, -0.02), (0.24, -1.0))


def table(pen: Pen, wood: Colour) -> None:
    """Draw a table one unit wide whose top is 0.6 above its origin."""
    for x in (-0.4, 0.4):
        pen.box(wood, x - 0.04, -0.58, x + 0.04, 0)
    pen.box(wood, -0.5, -0.6, 0.5, -0.52, rounded=0.02)


def crate(pen: Pen, look: Palette, wood: Colour) -> None:
    """Draw a crate one unit wide and 0.8 high."""
    pen.box(wood, -0.5, -0.8, 0.5, 0, rounded=0.03)
    for y in (-0.53, -0.27):
        pen.box(look.ink, -0.5, y - 0.012, 0.5, y + 0.012)
    for x in (-0.4, 0.4):
        pen.disc(look.ink, x, -0.66, 0.025)
        pen.disc(look.ink, x, -0.13, 0.025)


def ball(pen: Pen, look: Palette, skin: Colour) -> None:
    """Draw a ball of diameter one that rests on the origin."""
    pen.disc(skin, 0, -0.5, 0.5)
    pen.arc(look.light, 0, -0.5, 0.36, 200, 340, 0.09)
    pen.arc(look.light, 0, -0.5, 0.36, 20, 160, 0.09)


def umbrella_open(pen: Pen, look: Palette, cloth: Colour) -> None:
    """Draw an open umbrella one unit wide, its handle at the origin."""
    pen.line(look.ink, 0.025, (0, -0.95), (0, -0.06), (0.04, -0.01), (0.1, -0.03), (0.11, -0.08))
    pen.wedge(cloth, 0, -0.42, 0.5, 180, 360)
    for x in (-0.333, 0, 0.333):
        pen.disc(cloth, x, -0.42, 0.167, 0.06)
    pen.disc(look.light, 0, -0.92, 0.03)


def umbrella_closed(pen: Pen, look: Palette, cloth: Colour) -> None:
    """Draw a closed umbrella one unit high that stands on its tip."""
    pen.line(look.ink, 0.025, (0, 0), (0, -1.1), (0.05, -1.15), (0.1, -1.12), (0.11, -1.06))
    pen.polygon(cloth, (0, -0.04), (0.2, -0.8), (0.12, -0.88), (-0.12, -0.88), (-0.2, -0.8))
    pen.line(look.light, 0.025, (-0.1, -0.48), (0.11, -0.5))
