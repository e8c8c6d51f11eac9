"""Rows: the vectors of pictures as matrices, for the pictures that have a vector on every side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.reports.parity.result import Picture, Side


def with_vectors(sides: Sequence[Side], encoders: Sequence[str]) -> list[str]:
    """Return the sorted names of the pictures with vectors of all these encoders on all sides."""
    return sorted(set.intersection(*(set(side.vectors[encoder]) for side in sides for encoder in encoders)))


def rows(side: Side, encoder: str, names: Sequence[str]) -> NDArray[np.float64]:
    """Return the (n, dim) vectors of these pictures; (0, 1) where there are no names."""
    return np.array([side.vectors[encoder][name] for name in names]).reshape(len(names), -1 if names else 1)


def named(pictures: Sequence[Picture], name: str) -> str:
    """Return a picture's name with its size and mode."""
    path = next(picture.path for picture in pictures if picture.name == name)
    with Image.open(path) as image:
        return f"{name}, {image.width} x {image.height}, {image.mode}"
