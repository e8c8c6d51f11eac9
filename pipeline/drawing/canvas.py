"""Paper and pen: flat shapes in unit coordinates, drawn at three times the size and then reduced for smooth edges.

The paper's corners are (0, 0) and (1, 1), y grows downward. Each thing is drawn with its own pen (`Pen.at`),
whose origin is the thing's place and whose unit is the thing's size, mirrored if it faces the other way.
"""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

SIDE = 256
OVERSIZE = 3
QUALITY = 92

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Pen:
    """Draws on one paper in its own coordinates: origin and unit in pixels of the oversized paper."""

    draw: ImageDraw.ImageDraw
    x: float
    y: float
    unit: float
    mirrored: bool = False

    def at(self, x: float, y: float, size: float = 1.0, mirrored: bool = False) -> "Pen":
        """Return a pen whose origin is (x, y) and whose unit is `size` times this pen's unit."""
        px, py = self._pixel((x, y))
        return Pen(self.draw, px, py, self.unit * size, self.mirrored != mirrored)

    def polygon(self, colour: Colour, *points: Point) -> None:
        self.draw.polygon([self._pixel(point) for point in points], fill=colour)

    def box(self, colour: Colour, left: float, top: float, right: float, bottom: float, rounded: float = 0) -> None:
        """Draw a rectangle whose corners have the radius `rounded`."""
        self.draw.rounded_rectangle(self._frame(left, top, right, bottom), rounded * self.unit, fill=colour)

    def disc(self, colour: Colour, x: float, y: float, across: float, down: float | None = None) -> None:
        """Draw a disc of radius `across`, or an ellipse with the semi-axes `across` and `down`."""
        down = across if down is None else down
        self.draw.ellipse(self._frame(x - across, y - down, x + across, y + down), fill=colour)

    def wedge(self, colour: Colour, x: float, y: float, radius: float, start: float, end: float) -> None:
        """Draw a slice of a disc between two angles in degrees, clockwise from the right."""
        start, end = (180 - end, 180 - start) if self.mirrored else (start, end)
        frame = self._frame(x - radius, y - radius, x + radius, y + radius)
        self.draw.pieslice(frame, start, end, fill=colour)

    def arc(self, colour: Colour, x: float, y: float, radius: float, start: float, end: float, width: float) -> None:
        """Draw a stroke along a circle between two angles in degrees, clockwise from the right."""
        start, end = (180 - end, 180 - start) if self.mirrored else (start, end)
        frame = self._frame(x - radius, y - radius, x + radius, y + radius)
        self.draw.arc(frame, start, end, fill=colour, width=self._width(width))

    def line(self, colour: Colour, width: float, *points: Point) -> None:
        """Draw a stroke with round ends through the points."""
        pixels = [self._pixel(point) for point in points]
        self.draw.line(pixels, fill=colour, width=self._width(width), joint="curve")
        radius = self._width(width) / 2 - 0.5
        for x, y in (pixels[0], pixels[-1]):
            self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def words(self, colour: Colour, text: str, x: float, y: float, width: float, height: float) -> None:
        """Draw bold letters centered on (x, y), as large as fits the width and height."""
        probe = ImageFont.load_default(100)
        left, top, right, bottom = probe.getbbox(text)
        size = 100 * self.unit * min(width / (right - left), height / (bottom - top))
        font = ImageFont.load_default(size)
        weight = size * 0.035  # PIL's own font is light: a stroke in the same color makes it bold
        self.draw.text(self._pixel((x, y)), text, colour, font, anchor="mm", stroke_width=weight)

    def _pixel(self, point: Point) -> Point:
        across = -point[0] if self.mirrored else point[0]
        return self.x + across * self.unit, self.y + point[1] * self.unit

    def _frame(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        (x0, y0), (x1, y1) = self._pixel((left, top)), self._pixel((right, bottom))
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def _width(self, width: float) -> int:
        return max(1, round(width * self.unit))


class Paper:
    """A square to draw on, and the JPEG made from it."""

    def __init__(self, colour: Colour) -> None:
        self.image = Image.new("RGB", (SIDE * OVERSIZE, SIDE * OVERSIZE), colour)
        self.pen = Pen(ImageDraw.Draw(self.image), 0.0, 0.0, float(SIDE * OVERSIZE))

    def small(self) -> Image.Image:
        """Return the finished drawing, 256 x 256, with smooth edges."""
        return self.image.reduce(OVERSIZE)

    def jpeg(self) -> bytes:
        stream = BytesIO()
        self.small().save(stream, "JPEG", quality=QUALITY)
        return stream.getvalue()
