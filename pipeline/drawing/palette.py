"""Palettes: the few colors of one scene, harmonious within it and far from every other scene's.

Colors are chosen in CIELCH (lightness, chroma, hue in degrees). The skies traverse that space in a
low-discrepancy order (Roberts' R sequence), so that even ten thousand palettes keep their distance. The two
vivid colors come from named families, so that a caption such as "a red bus" is true.
"""

import math
from dataclasses import dataclass
from random import Random

from pipeline.drawing.canvas import Colour

# lightness, chroma and hue of the middle of each family; a palette jitters them a little
FAMILIES = {
    "red": (48, 68, 30), "orange": (66, 70, 60), "yellow": (82, 74, 88), "green": (56, 50, 145),
    "teal": (58, 36, 195), "blue": (48, 52, 270), "purple": (42, 52, 308), "pink": (70, 46, 358),
}  # fmt: skip
# pairs of families that go well together and that nobody confuses
COUPLES = (
    ("red", "blue"), ("orange", "blue"), ("yellow", "blue"), ("yellow", "purple"), ("red", "teal"),
    ("pink", "teal"), ("orange", "teal"), ("yellow", "teal"), ("yellow", "red"), ("pink", "purple"),
    ("red", "green"), ("orange", "purple"), ("yellow", "green"), ("pink", "green"), ("pink", "blue"),
    ("orange", "green"),
)  # fmt: skip
TURNS = (-150, -110, -70, -40, 40, 70, 110, 150, 180)  # from the sky's hue to the ground's, in degrees
TRIES = 6  # schemes from which the one with the most contrast is chosen
R4 = (0.8566748838545029, 0.733891856627126, 0.6287067210378087, 0.5385972572236101)

Lch = tuple[float, float, float]


@dataclass(frozen=True)
class Scheme:
    """The colors that define a palette, in CIELCH."""

    sky: Lch
    hill: Lch
    ground: Lch
    main: Lch
    accent: Lch
    names: tuple[str, str]


@dataclass(frozen=True)
class Palette:
    """The colors of a scene by purpose, and the names of the two that captions mention."""

    sky: Colour
    cloud: Colour
    hill: Colour
    ground: Colour
    main: Colour
    accent: Colour
    ink: Colour
    light: Colour
    main_name: str
    accent_name: str

    def swapped(self) -> "Palette":
        """Return the same colors with main and accent exchanged."""
        return Palette(
            self.sky, self.cloud, self.hill, self.ground, self.accent, self.main, self.ink, self.light,
            self.accent_name, self.main_name,
        )  # fmt: skip


def palette(number: int, dice: Random) -> Palette:
    """Return the palette of the scene pair `number`: its sky from its place in the sequence, the rest from the dice."""
    turn, shade, depth, tint = ((number * step + 0.5) % 1.0 for step in R4)
    sky = (73 + 20 * shade, 11 + 27 * tint, 360 * turn)
    scheme = max((_scheme(sky, depth, dice) for _ in range(TRIES)), key=_contrast)
    sky_tint = (min(97.0, sky[0] + 9), sky[1] * 0.45, sky[2])
    return Palette(
        sky=colour(*sky),
        cloud=colour(*sky_tint),
        hill=colour(*scheme.hill),
        ground=colour(*scheme.ground),
        main=colour(*scheme.main),
        accent=colour(*scheme.accent),
        ink=colour(20 + dice.uniform(0, 8), 12, dice.uniform(0, 360)),
        light=colour(95, 4 + dice.uniform(0, 5), 70 + dice.uniform(-30, 30)),
        main_name=scheme.names[0],
        accent_name=scheme.names[1],
    )


def _scheme(sky: Lch, depth: float, dice: Random) -> Scheme:
    """Choose colors that go with the sky; `depth` (0 to 1) is how light the ground is."""
    names = list(COUPLES[dice.randrange(len(COUPLES))])
    dice.shuffle(names)
    hue = sky[2] + dice.choice(TURNS) + dice.uniform(-15, 15)
    ground = (40 + 28 * depth, 14 + dice.uniform(0, 26), hue)
    lighter = min(sky[0] - 8, ground[0] + 14 + dice.uniform(0, 6))
    hill = (lighter, ground[1] * 0.8, hue + dice.uniform(-25, 25))
    return Scheme(sky, hill, ground, _vivid(names[0], dice), _vivid(names[1], dice), (names[0], names[1]))


def _contrast(scheme: Scheme) -> float:
    """Return how far the vivid colors are from the nearest of the large areas (CIE76)."""
    areas, vivid = (scheme.sky, scheme.hill, scheme.ground), (scheme.main, scheme.accent)
    return min(_distance(area, bright) for area in areas for bright in vivid)


def _distance(one: Lch, other: Lch) -> float:
    angle = math.radians(one[2] - other[2])
    around = one[1] ** 2 + other[1] ** 2 - 2 * one[1] * other[1] * math.cos(angle)
    return math.sqrt((one[0] - other[0]) ** 2 + max(around, 0.0))


def colour(lightness: float, chroma: float, hue: float) -> Colour:
    """Convert CIELCH to sRGB; a color outside the gamut loses chroma until it is inside."""
    while chroma > 0 and not _shown(_linear(lightness, chroma, hue)):
        chroma -= 2
    red, green, blue = (round(255 * _gamma(value)) for value in _linear(lightness, max(chroma, 0), hue))
    return red, green, blue


def _vivid(name: str, dice: Random) -> Lch:
    lightness, chroma, hue = FAMILIES[name]
    return lightness + dice.uniform(-4, 4), chroma + dice.uniform(-8, 8), hue + dice.uniform(-8, 8)


def _shown(linear: tuple[float, float, float]) -> bool:
    return all(-0.0005 <= value <= 1.0005 for value in linear)


def _linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """Convert CIELCH to linear sRGB under D65."""
    middle = (lightness + 16) / 116
    across = middle + chroma * math.cos(math.radians(hue)) / 500
    below = middle - chroma * math.sin(math.radians(hue)) / 200
    x, y, z = 0.95047 * _cubed(across), _cubed(middle), 1.08883 * _cubed(below)
    red = 3.2406 * x - 1.5372 * y - 0.4986 * z
    green = -0.9689 * x + 1.8758 * y + 0.0415 * z
    return red, green, 0.0557 * x - 0.2040 * y + 1.0570 * z


def _cubed(value: float) -> float:
    return value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29)


def _gamma(linear: float) -> float:
    linear = min(max(linear, 0.0), 1.0)
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
