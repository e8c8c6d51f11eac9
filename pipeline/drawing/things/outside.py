"""Outside: outdoor things: vehicles, houses, trees, snowmen."""

from pipeline.drawing.canvas import Colour, Pen
from pipeline.drawing.palette import Palette


def bus(pen: Pen, look: Palette, body: Colour) -> None:
    """Draw a bus one unit long that drives to the right."""
    pen.box(body, -0.5, -0.52, 0.5, -0.08, rounded=0.07)
    pen.box(body, 0.3, -0.36, 0.53, -0.08, rounded=0.04)
    for left in (-0.44, -0.25, -0.06):
        pen.box(look.light, left, -0.45, left + 0.15, -0.28, rounded=0.02)
    pen.polygon(look.light, (0.3, -0.46), (0.44, -0.46), (0.5, -0.26), (0.3, -0.26))
    pen.box(look.accent if body != look.accent else look.main, -0.5, -0.23, 0.53, -0.18)
    pen.disc(look.light, 0.5, -0.13, 0.025)
    for x in (-0.28, 0.28):
        wheel(pen.at(x, -0.1, 0.2), look)


def car(pen: Pen, look: Palette, body: Colour) -> None:
    """Draw a car one unit long that drives to the right."""
    pen.polygon(body, (-0.34, -0.26), (-0.26, -0.48), (0.1, -0.48), (0.27, -0.26))
    pen.polygon(look.light, (-0.27, -0.27), (-0.21, -0.43), (-0.07, -0.43), (-0.07, -0.27))
    pen.polygon(look.light, (-0.03, -0.27), (-0.03, -0.43), (0.08, -0.43), (0.19, -0.27))
    pen.box(body, -0.5, -0.29, 0.5, -0.08, rounded=0.07)
    pen.box(look.light, 0.44, -0.24, 0.5, -0.17, rounded=0.02)
    for x in (-0.28, 0.28):
        wheel(pen.at(x, -0.1, 0.2), look)


def car_above(pen: Pen, look: Palette, body: Colour) -> None:
    """Draw a car one unit long around the origin, its front to the right, seen from above."""
    for x in (-0.29, 0.29):
        pen.box(look.ink, x - 0.09, -0.27, x + 0.09, 0.27, rounded=0.03)
    pen.box(body, -0.5, -0.24, 0.5, 0.24, rounded=0.11)
    pen.polygon(look.light, (0.1, -0.16), (0.22, -0.2), (0.22, 0.2), (0.1, 0.16))
    pen.polygon(look.light, (-0.22, -0.15), (-0.32, -0.19), (-0.32, 0.19), (-0.22, 0.15))
    for y in (-0.17, 0.17):
        pen.disc(look.light, 0.47, y, 0.03)


def wheel(pen: Pen, look: Palette) -> None:
    """Draw a wheel of diameter one around the origin."""
    pen.disc(look.ink, 0, 0, 0.5)
    pen.disc(look.cloud, 0, 0, 0.22)


def house(pen: Pen, look: Palette, wall: Colour, roof: Colour) -> None:
    """Draw a house one unit high, with a door and a window in the front."""
    pen.box(wall, -0.4, -0.6, 0.4, 0)
    pen.polygon(roof, (-0.5, -0.57), (0, -1.0), (0.5, -0.57))
    pen.box(look.ink, -0.26, -0.36, -0.06, 0, rounded=0.02)
    pen.box(look.sky, 0.08, -0.42, 0.3, -0.2, rounded=0.02)
    pen.box(wall, 0.18, -0.42, 0.2, -0.2)
    pen.box(wall, 0.08, -0.32, 0.3, -0.3)


def tree(pen: Pen, look: Palette, crown: Colour) -> None:
    """Draw a round tree one unit high."""
    pen.box(look.ink, -0.04, -0.45, 0.04, 0)
    for x, y, radius in ((0, -0.7, 0.3), (-0.17, -0.53, 0.2), (0.17, -0.53, 0.2)):
        pen.disc(crown, x, y, radius)


def fir(pen: Pen, look: Palette, needles: Colour) -> None:
    """Draw a fir one unit high."""
    pen.box(look.ink, -0.05, -0.2, 0.05, 0)
    for low, width in ((-0.14, 0.32), (-0.4, 0.26), (-0.64, 0.19)):
        pen.polygon(needles, (-width, low), (0, low - 0.38), (width, low))


def snowman(pen: Pen, look: Palette, scarf: Colour) -> None:
    """Draw a snowman one unit high up to the top of its head, facing right."""
    pen.line(look.ink, 0.025, (-0.2, -0.5), (-0.42, -0.68))
    pen.line(look.ink, 0.025, (0.2, -0.5), (0.42, -0.62))
    pen.disc(look.light, 0, -0.26, 0.28)
    pen.disc(look.light, 0, -0.58, 0.215)
    pen.disc(look.light, 0, -0.84, 0.165)
    pen.box(scarf, -0.17, -0.74, 0.17, -0.67, rounded=0.03)
    pen.box(scarf, 0.06, -0.7, 0.13, -0.5, rounded=0.02)
    for x in (-0.05, 0.07):
        pen.disc(look.ink, x, -0.88, 0.02)
    pen.polygon((230, 126, 34), (0.01, -0.85), (0.2, -0.81), (0.01, -0.79))
    for y in (-0.6, -0.45, -0.3):
        pen.disc(look.ink, 0, y, 0.022)


def balloon(pen: Pen, look: Palette, skin: Colour) -> None:
    """Draw a balloon around the origin, one unit high without its string."""
    pen.line(look.ink, 0.02, (0, 0.5), (0.05, 0.7), (-0.03, 0.9), (0.02, 1.15))
    pen.disc(skin, 0, 0, 0.4, 0.48)
    pen.polygon(skin, (-0.07, 0.56), (0, 0.44), (0.07, 0.56))
    pen.disc(look.light, -0.15, -0.2, 0.07, 0.11)
