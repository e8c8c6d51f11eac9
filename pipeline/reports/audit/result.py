"""Result: what an audit found, and the file that stores it: `_audit.json` beside the candidates."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from manifests.manifest import Manifest
from pipeline.run.layout import AUDIT

MOST_NAMED = 1000  # most odd pairs of each kind that are listed by name


@dataclass(frozen=True)
class OddPair:
    """A pair that is not as it should be: the audit's own cosines and the manifest's; null where there are none."""

    left_id: str
    right_id: str
    blind_cosine: float | None = None
    reference_cosine: float | None = None
    stored_blind_cosine: float | None = None
    stored_reference_cosine: float | None = None


@dataclass(frozen=True)
class Audit:
    """What comparing `images` of `of` images with every other image in float64 showed about the candidates.

    true_pairs = found + missed + cut. `cut`: removed by max_per_image; `border`: float64 cannot decide
    whether they are true. `false`: candidates that are not a pair (below the floor, with an image that is not
    compared, or listed twice); `wrong`: candidates whose cosines differ from the vectors'.
    """

    images: int
    of: int
    comparisons: int
    true_pairs: int
    found: int
    missed: int
    cut: int
    border: int
    false: int
    wrong: int
    missed_pairs: tuple[OddPair, ...]  # the first MOST_NAMED; likewise the two fields below
    false_pairs: tuple[OddPair, ...]
    wrong_pairs: tuple[OddPair, ...]
    recall: float | None  # found / (found + missed); null where there was no pair to find
    interval: tuple[float, float]  # of the recall, at 95 %
    method: str
    floor: float
    max_per_image: int | None
    seed: int
    seconds: float
    fingerprint: str  # of the audited candidates; `content` below is theirs, too
    content: str

    @property
    def whole(self) -> bool:
        """Whether every image was drawn, so that the recall is not an estimate."""
        return self.images == self.of

    @property
    def defect(self) -> bool:
        """Whether something breaks the search's promises. It makes none about pairs that ivf misses."""
        return bool(self.false or self.wrong or (self.missed and self.method != "ivf"))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_audit(candidates: Manifest) -> Audit | None:
    """Return the audit stored beside these candidates; None if there is none, or it is of others or another version."""
    if not candidates.folder.has(AUDIT):
        return None
    try:
        audit = TypeAdapter(Audit).validate_json(candidates.folder.read(AUDIT))
    except ValueError:
        return None  # treated as absent: `blindpairs audit` writes it again
    same = (audit.fingerprint, audit.content) == (candidates.lineage.fingerprint, candidates.content)
    return audit if same else None
