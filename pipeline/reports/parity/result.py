"""Result: what a parity check found: each encoder's cosines, what either side rejected, and the set of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOOR, FLOOR_16_BIT = 0.99999, 0.9995  # the least cosine of a vector with the library's own
IN_FULL = ("float32", "NumPy")  # how `computed` begins where nothing was computed in 16 bits

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Picture:
    """A file both sides open, and its name in the result."""

    path: Path
    name: str


@dataclass(frozen=True, eq=False)  # eq: holds arrays
class Side:
    """What one side made: unit vectors by encoder and picture, or why a picture has none."""

    vectors: dict[str, dict[str, Vector]]
    rejected: dict[str, str]  # picture -> one word, and a sentence after ": " where there is one


@dataclass(frozen=True)
class EncoderParity:
    """How close one encoder's vectors are to the library's own."""

    name: str
    what: str  # the reference: the library and the model, or a note that there is none
    computed: str  # how the step computed the vectors
    images: int
    lowest: float
    median: float
    floor: float
    unlike: float  # the median cosine of two of the pictures: where it is near 1, a wrong vector could pass
    worst: str  # the picture of the lowest cosine

    @property
    def same(self) -> bool:
        return self.lowest >= self.floor


@dataclass(frozen=True)
class Rejected:
    """Pictures without a vector, picture -> reason, by the side that gave none."""

    both: Mapping[str, str]
    step: Mapping[str, str]
    reference: Mapping[str, str]

    @property
    def alike(self) -> bool:
        """Whether no picture was rejected by one side only."""
        return not (self.step or self.reference)


@dataclass(frozen=True)
class PairsAt:
    """The pairs within one blind and one reference threshold.

    `open`: those so near a threshold that a change as large as the largest observed could make them a pair or
    no longer one; lost + gained is never more.
    """

    blind_min: float
    reference_max: float
    by_reference: int
    by_step: int
    lost: int
    gained: int
    open: int


@dataclass(frozen=True)
class Pairs:
    """What the step's rounding does to the set of pairs of the compared pictures, by the thresholds alone."""

    images: int
    comparisons: int
    comparison: str  # of the blind cosine: ">=" or ">"
    blind_change: float  # the largest change of a blind cosine of any two pictures
    reference_change: float
    at: tuple[PairsAt, ...]  # the recipe's thresholds first


@dataclass(frozen=True)
class PairsMoved:
    """The pairs within two thresholds by one preprocessing of an encoder and by another."""

    blind_min: float
    reference_max: float
    by_own: int
    by_other: int
    lost: int  # pairs by `own` alone
    gained: int  # pairs by `other` alone


@dataclass(frozen=True)
class Preprocessings:
    """How far apart two preprocessings of one encoder are: `own`, which the recipe requests, and `other`."""

    encoder: str
    own: str
    other: str
    images: int
    lowest: float  # cosine of a picture's two vectors
    median: float
    worst: str  # the picture of the lowest cosine
    pairs: tuple[PairsMoved, ...]  # at the same thresholds as Parity.pairs; none where the encoder plays no role


@dataclass(frozen=True)
class Parity:
    """A complete check. `source`: the folder of photos, None if pictures were drawn; `roles`: blind and reference."""

    run: str
    source: str | None
    seed: int
    images: int
    encoders: tuple[EncoderParity, ...]
    rejected: Rejected
    roles: tuple[str, str]
    pairs: Pairs
    preprocessings: tuple[Preprocessings, ...] = ()

    @property
    def faithful(self) -> bool:
        return self.rejected.alike and all(encoder.same for encoder in self.encoders)

    def to_json(self) -> dict[str, Any]:
        encoders = [asdict(encoder) | {"same": encoder.same} for encoder in self.encoders]
        return asdict(self) | {"encoders": encoders, "faithful": self.faithful}


def floor_of(computed: str) -> float:
    """Return the cosine that a vector computed this way must reach."""
    return FLOOR if computed.startswith(IN_FULL) else FLOOR_16_BIT
