"""Facts: everything the report page shows, as plain frozen data. No files, no drawing, no decisions.

`gather` fills these from a run's manifests, `page` turns them into HTML; neither knows the other.
Cosines are float64. Sequences are read in order: pairs come best first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.reports.audit.result import Audit

Cosines = NDArray[np.float64]
# How a blind cosine is compared with its threshold; a reference cosine is always compared with "<".
Comparison = Literal[">=", ">"]


def no_cosines() -> Cosines:
    return np.empty(0, dtype=np.float64)


@dataclass(frozen=True)
class Photo:
    """One side of a pair."""

    image_id: str
    source: str
    key: str
    url: str | None = None
    caption: str | None = None
    label: str | None = None
    width: int = 0  # pixels of the image itself, not of the thumbnail; 0: unknown
    height: int = 0
    license: str | None = None
    copies: int = 0  # other images with the same bytes or the same vectors, which this one represents
    thumbnail: str = ""  # data URI; "": the bytes could no longer be read


@dataclass(frozen=True)
class Pair:
    """One kept blind pair."""

    rank: int  # 1 is best
    blind_cosine: float
    reference_cosine: float
    gap: float  # blind_cosine - reference_cosine
    group: int  # connected component of the graph of pairs
    left: Photo
    right: Photo


@dataclass(frozen=True)
class Stage:
    """One step of the funnel: how many items passed, and why the others did not."""

    name: str
    count: int
    unit: str = "images"  # what is counted; rows are only compared with the row before in the same unit
    lost: tuple[tuple[str, int], ...] = ()  # (reason, count), on the way from the stage before to this one


@dataclass(frozen=True)
class Planted:
    """One row of the demo's check: pairs planted on purpose, and how many were found."""

    pattern: str
    planted: int
    found: int
    missed: int
    why: str = ""


@dataclass(frozen=True)
class Wider:
    """Thresholds that need a new search, because they are below the search floor. Estimated from random pairs."""

    blind_min: float
    reference_max: float

    def settings(self) -> tuple[str, ...]:
        floor = f"search.min_cosine={self.blind_min:g}"
        return (floor, f"filter.blind_min={self.blind_min:g}", f"filter.reference_max={self.reference_max:g}")


@dataclass(frozen=True)
class Advice:
    """What to try after a run without pairs."""

    choice: tuple[float, float] | None  # blind_min and reference_max; None: no thresholds give a pair of this search
    pairs: int  # that these thresholds give
    floor: float  # search.min_cosine of the run
    wider: Wider | None = None  # where the search itself found too few

    def settings(self) -> tuple[str, ...]:
        if self.choice is None:
            return ()
        return (f"filter.blind_min={self.choice[0]:g}", f"filter.reference_max={self.choice[1]:g}")


@dataclass(frozen=True, eq=False)  # eq: arrays have no single truth value
class Report:
    """One run, ready to be drawn."""

    title: str
    blind: str  # the encoder in words, e.g. "CLIP ViT-L-14-quickgelu (openai)"
    reference: str
    blind_min: float
    reference_max: float
    floor: float  # search.min_cosine: below it nothing was searched
    pairs_total: int  # kept pairs of the run; `pairs` may show fewer
    pairs: Sequence[Pair]  # best first; the first is accessed by index, then all are iterated once
    funnel: tuple[Stage, ...] = ()
    candidates_total: int = 0  # the arrays below hold all of them, or an evenly spaced draw
    candidate_blind: Cosines = field(default_factory=no_cosines)
    candidate_reference: Cosines = field(default_factory=no_cosines)
    random_blind: Cosines = field(default_factory=no_cosines)  # random pairs of images; may be empty
    random_reference: Cosines = field(default_factory=no_cosines)
    comparison: Comparison = ">="
    settings: tuple[tuple[str, str], ...] = ()
    planted: tuple[Planted, ...] | None = None
    audit: Audit | None = None  # of these very candidates
    advice: Advice | None = None  # where there are no pairs
    recipe: str = ""  # the preset or recipe file that a person named; "": unknown
    fingerprint: str = ""
    version: str = ""
