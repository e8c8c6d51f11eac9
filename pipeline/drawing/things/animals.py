"""Animals: a cat, a duck, a fish, a bird. Each faces right."""

from pipeline.drawing.canvas import Colour, Pen
from pipeline.drawing.palette import Palette


def cat(pen: Pen, look: Palette, fur: Colour) -> None:
    """Draw a sitting cat one unit high."""
    pen.arc(fur, -0.26, -0.2, 0.17, 30, 250, 0.08)
    pen.disc(fur, -0.02, -0.25, 0.25, 0.25)
    pen.polygon(fur, (-0.2, -0.3), (-0.04, -0.68), (0.24, -0.62), (0.22, -0.02), (0, 0))
    pen.disc(fur, 0.1, -0.7, 0.2, 0.18)
    pen.polygon(fur, (-0.08, -0.74), (-0.08, -0.99), (0.08, -0.84))
    pen.polygon(fur, (0.12, -0.84), (0.28, -0.99), (0.28, -0.72))
    for x in (0.07, 0.21):
        pen.disc(look.light, x, -0.72, 0.04, 0.045)
        pen.disc(look.ink, x + 0.012, -0.72, 0.02, 0.035)
    pen.polygon(look.ink, (0.12, -0.65), (0.18, -0.65), (0.15, -0.61))
    pen.box(look.light, 0.06, -0.06, 0.26, 0.0, rounded=0.03)


def duck(pen: Pen, look: Palette, feathers: Colour, bill: Colour) -> None:
    """Draw a swimming duck one unit long, with the water at its origin."""
    pen.polygon(feathers, (-0.5, -0.42), (-0.3, -0.3), (-0.2, -0.02), (-0.42, -0.14))
    pen.disc(feathers, -0.05, -0.16, 0.38, 0.22)
    pen.polygon(feathers, (0.12, -0.25), (0.13, -0.5), (0.36, -0.5), (0.32, -0.12))
    pen.disc(feathers, 0.25, -0.52, 0.16)
    pen.polygon(bill, (0.37, -0.58), (0.56, -0.49), (0.37, -0.43))
    pen.disc(look.light, 0.29, -0.57, 0.045)
    pen.disc(look.ink, 0.3, -0.57, 0.025)
    pen.disc(look.light, -0.1, -0.2, 0.2, 0.1)
    pen.disc(feathers, -0.1, -0.235, 0.2, 0.1)


def fish(pen: Pen, look: Palette, skin: Colour, fins: Colour) -> None:
    """Draw a fish one unit long around the origin."""
    pen.polygon(fins, (-0.2, 0), (-0.52, -0.26), (-0.44, 0), (-0.52, 0.26))
    pen.polygon(fins, (-0.12, -0.2), (0.0, -0.4), (0.2, -0.18))
    pen.polygon(fins, (-0.06, 0.2), (-0.1, 0.34), (0.12, 0.2))
    pen.disc(skin, 0.08, 0, 0.38, 0.24)
    pen.arc(look.light, 0.02, 0, 0.2, -50, 50, 0.025)
    pen.disc(look.light, 0.3, -0.06, 0.065)
    pen.disc(look.ink, 0.32, -0.06, 0.035)
    pen.polygon(fins, (0.04, 0.03), (-0.14, -0.04), (-0.12, 0.14))


def bird(pen: Pen, look: Palette, feathers: Colour, bill: Colour) -> None:
    """Draw a standing bird one unit high."""
    for x in (-0.04, 0.08):
        pen.line(look.ink, 0.03, (x, -0.3), (x, 0))
    pen.polygon(feathers, (-0.6, -0.3), (-0.5, -0.45), (-0.1, -0.55), (-0.1, -0.25))
    pen.disc(feathers, 0, -0.45, 0.3, 0.24)
    pen.disc(feathers, 0.18, -0.74, 0.2)
    pen.polygon(bill, (0.34, -0.82), (0.56, -0.72), (0.34, -0.66))
    pen.disc(look.light, 0.23, -0.79, 0.06)
    pen.disc(look.ink, 0.245, -0.79, 0.032)
    pen.polygon(look.ink, (-0.3, -0.42), (0.12, -0.52), (0.02, -0.3))
