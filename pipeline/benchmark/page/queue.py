"""Queue: a run's pairs in the order in which a person sees them, each other pair unlike the last.

Pairs that look alike (one group, the same two labels) come in rounds: of each group and each two labels the widest
gap first, then the second of each. So the first hundred pairs show what the run holds, not one crowd of it.
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

COLUMNS = ("left_id", "right_id", "blind_cosine", "reference_cosine", "gap", "group", "rank")


@dataclass(frozen=True)
class Listed:
    """A pair as the filter left it; a pair that people wrote of and the run no longer has lacks the numbers."""

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
    """Pairs in order, the photos they are of, and what a search looks through."""

    pairs: Sequence[Listed]
    photos: Mapping[str, Photo]
    places: Mapping[Ids, int]
    texts: Sequence[str]  # of each pair, lower case
    has_ranks: bool = True  # an imported benchmark has pairs that no run found

    def found(self, matches: Callable[[Listed, str], bool]) -> list[int]:
        """The places of the pairs that match."""
        return [
            place for place, (pair, text) in enumerate(zip(self.pairs, self.texts, strict=True)) if matches(pair, text)
        ]


def read_queue(run: Run, written: Iterable[Authored]) -> Queue:
    """The kept pairs of the run, and behind them those that people wrote of and that are not among these.

    Raises NotCommitted where images or pairs are not there whole.
    """
    ranked = _ranked(run) if run.has("pairs") else []
    known = {pair.ids for pair in ranked}
    others = sorted((one for one in written if (one.left_id, one.right_id) not in known), key=lambda one: one.place)
    every = [*ranked, *(Listed(one.left_id, one.right_id) for one in others)]
    photos = photos_of(run, {image_id for pair in every for image_id in pair.ids})
    shown = [pair for pair in every if all(image_id in photos for image_id in pair.ids)]
    pairs = diverse(shown, lambda image_id: photos[image_id].label or "")
    places = {pair.ids: place for place, pair in enumerate(pairs)}
    return Queue(pairs, photos, places, [_text(pair, photos) for pair in pairs], bool(ranked))


def diverse(pairs: Sequence[Listed], label: Callable[[str], str]) -> list[Listed]:
    """`pairs` in rounds of groups, and within a round in rounds of labels; as given where they are in none."""
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
