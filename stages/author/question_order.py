"""Question order: the order of complete pairs in a benchmark, and which of a pair's images comes first.

Pairs are ordered by pattern, as in MMVP-VLM. An author who looks at the left image first writes its answer first, so
the first image's answer would nearly always be (a). Which image comes first is therefore drawn, half and half. The
draw depends on the ids alone: the same pairs are placed the same way.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stages.author.authored import BENCHMARK, LETTERS, SIDES, Authored, Ids
from stages.patterns import BY_NAME

ORDER = {name: place for place, name in enumerate(BY_NAME)}


@dataclass(frozen=True)
class Placed:
    """A pair and the side that comes first."""

    pair: Authored
    first: str

    @property
    def sides(self) -> tuple[str, str]:
        return ("left", "right") if self.first == "left" else ("right", "left")


def placed(pairs: Sequence[Authored]) -> Iterator[Placed]:
    """Yield the pairs in order: those of the benchmark before those for training, imported ones as they were."""
    seen = Counter[tuple[str, bool]]()
    turns: dict[Ids, int] = {}
    for pair in sorted(pairs, key=lambda pair: _drawn(pair, "turn")):
        alike = (pair.use, bool(pair.left_answer))  # each kind is split in half by itself
        turns[pair.ids] = seen[alike] % 2
        seen[alike] += not pair.first
    for pair in sorted(pairs, key=_order):
        yield Placed(pair, pair.first or _first(pair, turns[pair.ids]))


def _first(pair: Authored, turn: int) -> str:
    if not pair.left_answer:
        return SIDES[turn]
    return next(side for side in SIDES if pair.answer(side) == LETTERS[turn])


def _order(pair: Authored) -> tuple[bool, bool, int, int, str]:
    """Return the sort key: by use, then imported pairs first and as they were, then by pattern."""
    return (
        pair.use != BENCHMARK,
        not pair.place,
        pair.place,
        ORDER.get(pair.pattern, len(ORDER)),
        _drawn(pair, "order"),
    )


def _drawn(pair: Authored, salt: str) -> str:
    return hashlib.sha256("\0".join((salt, pair.left_id, pair.right_id)).encode()).hexdigest()
