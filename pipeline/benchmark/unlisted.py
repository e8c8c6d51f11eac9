"""Unlisted: pairs that people kept or froze and that are no pairs of the run any more, as after new thresholds."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from pipeline.benchmark.photos import photos_of
from pipeline.run.run import Run
from stages.author.authored import KEPT, Ids
from stages.author.origins import thresholds_of
from stages.author.store import Store
from stages.text import many

NAMED = 5  # pairs that a sentence names
IDS = ("left_id", "right_id")


@dataclass(frozen=True)
class Unlisted:
    """Such pairs by the names of their two images, and the thresholds of the run as they are now."""

    pairs: tuple[str, ...] = ()
    thresholds: str | None = None
    kind: str = "kept or frozen pair"

    def to_json(self) -> list[str]:
        return list(self.pairs)

    def __str__(self) -> str:
        """Return it as a sentence that names the first pairs; empty if there is none."""
        if not self.pairs:
            return ""
        is_one = len(self.pairs) == 1
        now = f" ({self.thresholds})" if self.thresholds else ""
        rest = len(self.pairs) - NAMED
        more = f"; and {rest:,} more" if rest > 0 else ""
        return (
            f"{many(len(self.pairs), self.kind)} {'is' if is_one else 'are'} not among the run's pairs at "
            f"its thresholds{now}: {'; '.join(self.pairs[:NAMED])}{more}"
        )


def unlisted_ids(run: Run, ids: Collection[Ids]) -> frozenset[Ids]:
    """Return those pairs that are not among the run's kept pairs; none if the run has no pairs, as when imported."""
    if not run.has("pairs"):
        return frozenset()
    left = frozenset(ids)
    for batch in run.manifest("pairs").batches((*IDS, "rank")):
        kept = batch.filter(pc.is_valid(batch.column("rank")))
        left -= set(zip(*(kept.column(name).to_pylist() for name in IDS), strict=True))
    return left


def unlisted(run: Run, ids: Collection[Ids]) -> Unlisted:
    """Name those of these pairs that are not among the run's kept pairs, by the names of their images in the source."""
    if not (gone := sorted(unlisted_ids(run, ids))):
        return Unlisted()
    photos = photos_of(run, {image_id for pair in gone for image_id in pair})
    known = {image_id: f"{photo.source}/{photo.key}" for image_id, photo in photos.items()}
    named = tuple(" and ".join(known.get(image_id, image_id) for image_id in pair) for pair in gone)
    return Unlisted(named, thresholds_of(run.manifest("pairs").lineage))


def kept_or_frozen(run: Run, store: Path | None) -> set[Ids]:
    """Return the pairs that people kept in this store, and those of the newest frozen version.

    Raises Refused if the store cannot be read.
    """
    found = set[Ids]()
    if store is not None and store.exists():
        with closing(Store(store)) as opened:
            found = {pair.ids for pair in opened.pairs() if pair.decision == KEPT}
    if versions := run.versions():
        for batch in run.questions(versions[-1])[1].batches(IDS):
            found |= set(zip(*(batch.column(name).to_pylist() for name in IDS), strict=True))
    return found


def unlisted_of(run: Run, store: Path | None) -> Unlisted:
    """Name the pairs of `kept_or_frozen` that are no pairs of the run any more. Raises Refused as that does."""
    return unlisted(run, kept_or_frozen(run, store))
