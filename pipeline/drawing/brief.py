"""Brief: what a motif has to draw. Both sides of a pair get the same palette and shared dice."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from pipeline.drawing.canvas import Pen
from pipeline.drawing.palette import Palette


@dataclass(frozen=True)
class Brief:
    """One drawing to make. `first` selects which of its two variants a motif draws."""

    palette: Palette
    first: bool
    shared: Random  # rolls the same for both sides: for what they have in common
    own: Random  # rolls for this side only: for where things are

    def across(self, x: float, jitter: float = 0.03) -> float:
        """Return a place from left to right (0 to 1), jittered, and mirrored for the second variant."""
        x += self.own.uniform(-jitter, jitter)
        return x if self.first else 1 - x

    def near(self, value: float, jitter: float) -> float:
        """Return the value plus or minus this side's jitter."""
        return value + self.own.uniform(-jitter, jitter)


Motif = Callable[[Pen, Brief], str]  # draws with the pen and returns a true caption
