"""Queue: a run's pairs in the order in which a person sees them, ordered so that consecutive pairs differ.

Pairs that look alike (the same group, the same two labels) come in rounds: first the pair with the widest gap of each
group and each two labels, then the second of each. So the first hundred pairs show what the run holds, not one cluster
of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.benchmark.photos import Photo, photos_of
from pipeline.run.run import Run
from stages.author.authored import Authored, Ids
from stages.author.origins import thresholds_of

COLUMNS = ("left_id", "right_id", "blind_cosine", "reference_cosine", "gap", "group", "rank")


@dataclass(frozen=True)
class Listed:
    """A pair from the filter; a pair that people wrote about but that the run no longer has lacks the numbers."""

    left_id: str
    right_id: str
    blind_cosine: float | None = None
    reference_cosine: float | None = None
    gap: float | None = None
    group: int | None = None
    rank: int | None = None

    @property
    def ids(self) -> Ids:
        return self.left_id, self.right_id


@dataclass(frozen=True)
class Queue:
    """Pairs in order, their photos, and the texts that a search looks through."""

    pairs: Sequence[Listed]
    photos: Mapping[str, Photo]
    places: Mapping[Ids, int]
    texts: Sequence[str]  # one per pair, in lower case
    has_ranks: bool = True  # an imported benchmark has pairs that no run found
    thresholds: str | None = None  # of the run's pairs, in words

    def is_listed(self, ids: Ids) -> bool:
        """Whether it is one of the run's pairs; always if the run has none of its own."""
        return not self.has_ranks or self.pairs[self.places[ids]].rank is not None

    def found(self, matches: Callable[[Listed, str], bool]) -> list[int]:
        """Return the places of the pairs that match."""
        return [
            place for place, (pair, text) in enumerate(zip(self.pairs, self.texts, strict=True)) if matches(pair, text)
        ]


def read_queue(run: Run, written: Iterable[Authored]) -> Queue:
    """Read the run's kept pairs, followed by the pairs that people wrote about and that are not among them.

    Raises NotCommitted if images or pairs are not complete.
    """
    has_pairs = run.has("pairs")
    ranked = _ranked(run) if has_pairs else []
    thresholds = thresholds_of(run.manifest("pairs").lineage) if has_pairs else None
    known = {pair.ids for pair in ranked}
    others = sorted((one for one in written if (one.left_id, one.right_id) not in known), key=lambda one: one.place)
    every = [*ranked, *(Listed(one.left_id, one.right_id) for one in others)]
    photos = photos_of(run, {image_id for pair in every for image_id in pair.ids})
    shown = [pair for pair in every if all(image_id in photos for image_id in pair.ids)]
    pairs = diverse(shown, lambda image_id: photos[image_id].label or "")
    places = {pair.ids: place for place, pair in enumerate(pairs)}
    return Queue(pairs, photos, places, [_text(pair, photos) for pair in pairs], has_pairs, thresholds)


def diverse(pairs: Sequence[Listed], label: Callable[[str], str]) -> list[Listed]:
    """Order `pairs` in rounds of groups, and each round in rounds of labels; unranked pairs come last, as given."""
    groups, labels = Counter[int](), Counter[tuple[int, str, str]]()
    turns: dict[Ids, tuple[int, int, int]] = {}
    for pair in sorted(pairs, key=_rank):
        turn = groups[pair.group] if pair.group is not None else 0
        one, other = sorted((label(pair.left_id), label(pair.right_id)))
        both = (turn, one, other)
        turns[pair.ids] = (turn, labels[both], _rank(pair))
        labels[both] += 1
        if pair.group is not None:
            groups[pair.group] += 1
    listed, others = ([pair for pair in pairs if (pair.rank is None) is lost] for lost in (False, True))
    return [*sorted(listed, key=lambda pair: turns[pair.ids]), *others]


def _rank(pair: Listed) -> int:
    return pair.rank or 0


def _ranked(run: Run) -> list[Listed]:
    found = []
    for batch in run.manifest("pairs").batches(COLUMNS):
        kept = batch.filter(pc.is_valid(batch.column("rank")))
        found += [Listed(**row) for row in pa.Table.from_batches([kept]).to_pylist()]
    return sorted(found, key=_rank)


def _text(pair: Listed, photos: Mapping[str, Photo]) -> str:
    sides = (photos[image_id] for image_id in pair.ids)
    words = ((one.image_id, one.source, one.key, one.caption, one.label, one.class_name, one.url) for one in sides)
    return " ".join(str(word) for side in words for word in side if word).lower()
