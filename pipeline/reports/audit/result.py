"""Result: what an audit says, and the file it is kept in: `_audit.json` beside the candidates."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from manifests.manifest import Manifest
from pipeline.run.layout import AUDIT

MOST_NAMED = 1000  # odd pairs of each sort that are named


@dataclass(frozen=True)
class OddPair:
    """A pair that is not as it should be: the audit's own cosines, and the manifest's; null where there are none."""

    left_id: str
    right_id: str
    blind_cosine: float | None = None
    reference_cosine: float | None = None
    stored_blind_cosine: float | None = None
    stored_reference_cosine: float | None = None


@dataclass(frozen=True)
class Audit:
    """What comparing `images` of `of` images with every other in float64 said of the candidates.

    true_pairs = found + missed + cut. `cut`: max_per_image took them; `border`: true or not, float64
    cannot tell. `false`: candidates that are no pair (below the floor, of an image that is not compared,
    or twice there); `wrong`: candidates with other cosines than the vectors'.
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
    missed_pairs: tuple[OddPair, ...]  # the first MOST_NAMED, as below
    false_pairs: tuple[OddPair, ...]
    wrong_pairs: tuple[OddPair, ...]
    recall: float | None  # found / (found + missed); null where there was no pair to find
    interval: tuple[float, float]  # of the recall, at 95 %
    method: str
    floor: float
    max_per_image: int | None
    seed: int
    seconds: float
    fingerprint: str  # of the candidates that were audited, and below their content
    content: str

    @property
    def whole(self) -> bool:
        """Whether every image was drawn: then the recall is no estimate."""
        return self.images == self.of

    @property
    def defect(self) -> bool:
        """Whether something is not as the search promises. Of ivf's misses it makes no promise."""
        return bool(self.false or self.wrong or (self.missed and self.method != "ivf"))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_audit(candidates: Manifest) -> Audit | None:
    """The audit beside these candidates; None where there is none, or it is of others, or of another version."""
    if not candidates.folder.has(AUDIT):
        return None
    try:
        audit = TypeAdapter(Audit).validate_json(candidates.folder.read(AUDIT))
    except ValueError:
        return None  # as good as none: `blindpairs audit` writes it again
    same = (audit.fingerprint, audit.content) == (candidates.lineage.fingerprint, candidates.content)
    return audit if same else None
