"""Built-in: the two encoders without weights, which run anywhere; their code is their identity."""

from __future__ import annotations

from functools import cache

from stages.models.encoders import settings as kinds
from stages.models.encoders.colour import Colour
from stages.models.encoders.structure import Structure


def load(settings: kinds.Colour | kinds.Structure, found: None, device: None) -> Colour | Structure:
    return _colour() if settings.kind == "colour" else Structure()


@cache
def _colour() -> Colour:
    """Create the color encoder once: it never changes, and building its table takes a twentieth of a second."""
    return Colour()
