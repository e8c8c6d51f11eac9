"""Pair: two images side by side with both cosines, as HTML for a notebook and as a line of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manifests.errors import Refused
from pipeline.benchmark.photos import Photo, photos_of
from pipeline.notebook.html import render
from pipeline.reports.pages.thumbnails import thumbnail
from pipeline.run.run import Run
from stages.images import ImageRefused, decode

NEEDED = ("left_id", "right_id", "blind_cosine", "reference_cosine")
SIGNS = {">=": "≥", ">": ">"}


@dataclass(frozen=True)
class Side:
    """One image of a pair: what the images table says about it, and the image itself, made smaller."""

    photo: Photo
    image: str  # a data URL; "" if the bytes can no longer be read
    missing: str = ""  # then the reason, in a sentence


@dataclass(frozen=True)
class PairView:
    """Two images, their cosines (float64), and the thresholds of the run. Jupyter shows it as HTML."""

    run: str
    left: Side
    right: Side
    blind_cosine: float
    reference_cosine: float
    blind_min: float
    reference_max: float
    comparison: str  # ">=" or ">": how a blind cosine is compared with blind_min
    rank: int | None = None  # 1 is the widest gap; None for candidates that are not a pair

    @property
    def gap(self) -> float:
        """blind_cosine - reference_cosine."""
        return self.blind_cosine - self.reference_cosine

    @property
    def title(self) -> str:
        return "Not a kept pair" if self.rank is None else f"Pair {self.rank}"

    @property
    def sign(self) -> str:
        return SIGNS[self.comparison]

    def __repr__(self) -> str:
        keys = f"{self.left.photo.key!r}, {self.right.photo.key!r}"
        blind = f"blind {self.blind_cosine:.4f} (near: {self.comparison} {self.blind_min:g})"
        return f"<{self.title} of {self.run}: {keys}, {blind}, {self._reference()}>"

    def _repr_html_(self) -> str:
        return render("pair.html.j2", pair=self)

    def _reference(self) -> str:
        return f"reference {self.reference_cosine:.4f} (far: < {self.reference_max:g})"


def pair_view(run: Run, row: Mapping[str, Any]) -> PairView:
    """Return the view of a row of the pairs or candidates. Reads the two images, and the thresholds of the pairs.

    Raises Refused for a row without the columns `NEEDED` or with images that the run does not have, NotCommitted if
    the pairs are not finished.
    """
    if lacking := [name for name in NEEDED if name not in row]:
        raise Refused(f"the row has no {lacking[0]}; give a row of the pairs, or a pair's rank")
    chosen = run.manifest("pairs").lineage.settings["filter"]
    ids = (str(row["left_id"]), str(row["right_id"]))
    photos = photos_of(run, set(ids))
    if unknown := [one for one in ids if one not in photos]:
        raise Refused(f"{run} has no readable image {unknown[0]}; give a row of this run's own pairs")
    rank, (left, right) = row.get("rank"), (_side(photos[one]) for one in ids)
    return PairView(
        run.url,
        left,
        right,
        float(row["blind_cosine"]),
        float(row["reference_cosine"]),
        chosen["blind_min"],
        chosen["reference_max"],
        chosen["comparison"],
        None if rank is None or rank != rank else int(rank),  # pandas writes a null as NaN
    )


def _side(photo: Photo) -> Side:
    try:
        return Side(photo, thumbnail(decode(photo.read())))
    except ImageRefused as error:
        return Side(photo, "", error.sentence)
