"""A brief: what a motif is asked to draw. Both sides of a pair get the same palette and shared dice."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from pipeline.drawing.canvas import Pen
from pipeline.drawing.palette import Palette


@dataclass(frozen=True)
class Brief:
    """One drawing to make. `first` tells a motif which of its two variants to draw."""

    palette: Palette
    first: bool
    shared: Random  # rolls the same for both sides: what they have in common
    own: Random  # rolls for this side alone: where things stand

    def across(self, x: float, jitter: float = 0.03) -> float:
        """A place from left to right (0 to 1), mirrored for the second variant."""
        x += self.own.uniform(-jitter, jitter)
        return x if self.first else 1 - x

    def near(self, value: float, jitter: float) -> float:
        """The value, give or take this side's jitter."""
        return value + self.own.uniform(-jitter, jitter)


Motif = Callable[[Pen, Brief], str]  # draws on the paper and returns a true caption
