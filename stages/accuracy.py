"""Accuracy: the share of right answers, by question and by pair, with intervals, for people and models alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
DRAWS, SEED = 2000, 0
ALIKE = 1e-9  # means that differ by no more than this are the same
HOW = (
    f"a person's intervals are Clopper's and Pearson's; those of the means come from drawing the pairs anew {DRAWS:,} "
    "times (percentiles; exact where all draws say the same), because the two questions of a pair are not independent"
)

Interval = tuple[float, float]
Ids = tuple[str, str]  # the images of a pair
Tally = tuple[int, int]  # right answers, and out of how many
Array = NDArray[np.float64]


class Answered(Protocol):
    """One answer to one question: who gave it, for which pair, and whether it is right."""

    @property
    def person(self) -> str: ...

    @property
    def ids(self) -> Ids: ...

    @property
    def right(self) -> bool: ...


@dataclass(frozen=True)
class Share:
    """A number of right answers out of a total, with Clopper and Pearson's interval (Biometrika 26, 1934), at 95 %."""

    right: int
    of: int

    @property
    def value(self) -> float | None:
        return self.right / self.of if self.of else None

    @property
    def interval(self) -> Interval:
        return exact(self.right, self.of)

    def to_json(self) -> dict[str, Any]:
        return {"right": self.right, "of": self.of, "accuracy": self.value, "interval": list(self.interval)}


@dataclass(frozen=True)
class Mean:
    """The mean over people of the share each got right, with its 95 % interval; None if nobody answered enough."""

    value: float | None
    interval: Interval

    def to_json(self) -> dict[str, Any]:
        return {"accuracy": self.value, "interval": list(self.interval)}


def exact(found: int, of: int) -> Interval:
    """Return Clopper and Pearson's exact interval (Biometrika 26, 1934) of a share, at 95 %; (0, 1) if `of` is 0."""
    if not of:
        return 0.0, 1.0
    from scipy.special import betaincinv  # not scipy.stats, which takes a second to load

    tail, others = (1 - CONFIDENCE) / 2, of - found
    low = float(betaincinv(found, others + 1, tail)) if found else 0.0
    return low, float(betaincinv(found + 1, others, 1 - tail)) if others else 1.0


def by_question(given: Sequence[Answered]) -> dict[str, dict[Ids, Tally]]:
    """Return person -> pair -> how many of its questions they got right, out of how many they answered."""
    found = defaultdict[str, dict[Ids, Tally]](dict)
    for one in given:
        right, of = found[one.person].get(one.ids, (0, 0))
        found[one.person][one.ids] = (right + one.right, of + 1)
    return dict(found)


def by_pair(questions: Mapping[str, Mapping[Ids, Tally]]) -> dict[str, dict[Ids, Tally]]:
    """Return the same with a pair as one: right if both answers are; pairs with only one answer are left out."""
    return {
        person: {ids: (int(right == 2), 1) for ids, (right, of) in tallies.items() if of == 2}
        for person, tallies in questions.items()
    }


def total(tallies: Mapping[Ids, Tally]) -> Share:
    return Share(sum(right for right, _ in tallies.values()), sum(of for _, of in tallies.values()))


def mean(people: Mapping[str, Mapping[Ids, Tally]]) -> Mean:
    """Return the mean over people and its interval: the percentile bootstrap over pairs, the independent unit.

    If every draw gives the same value (everything is right, or one half of each pair, as when people do not look),
    the bootstrap tells us nothing: then the interval is the exact one for this number of pairs.
    """
    pairs = sorted({ids for tallies in people.values() for ids in tallies})
    if not pairs:
        return Mean(None, (0.0, 1.0))
    each = [[tallies.get(ids, (0, 0)) for tallies in people.values() if tallies] for ids in pairs]
    right, of = np.moveaxis(np.array(each, np.float64), 2, 0)
    value = float(_means(np.ones((1, len(pairs))), right, of)[0])
    draws = np.random.default_rng(SEED).multinomial(len(pairs), [1 / len(pairs)] * len(pairs), size=DRAWS)
    low, high = np.nanpercentile(_means(draws.astype(np.float64), right, of), (2.5, 97.5))
    return Mean(value, (float(low), float(high)) if high - low > ALIKE else _exact_of(value, len(pairs)))


def _exact_of(share: float, pairs: int) -> Interval:
    """Return the exact interval of this share of `pairs`; if that is not a whole number, it spans both neighbors'."""
    right = round(share * pairs, 6)
    return exact(floor(right), pairs)[0], exact(ceil(right), pairs)[1]


def _means(times: Array, right: Array, of: Array) -> Array:
    """Return the mean over people for each row of `times` (how often each pair was drawn); nan if nobody has any pair.

    `right` and `of` are (pairs, people).
    """
    drawn = times @ of
    shares = np.divide(times @ right, drawn, out=np.zeros_like(drawn), where=drawn > 0)
    people = (drawn > 0).sum(axis=1)
    return np.divide(shares.sum(axis=1), people, out=np.full(len(people), np.nan), where=people > 0)
