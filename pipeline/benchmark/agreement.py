"""Agreement: whether people who answered the same question chose the same letter, right or wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stages.author.valid_answers import Given


@dataclass(frozen=True)
class Agreement:
    """How often two people who answered the same question chose the same letter, and Krippendorff's alpha.

    `twos` counts every two answers to one question, `same` those of them that agree. `share` and `alpha` are None if no
    question has two answers; `alpha` also if all answers are the same letter, because chance then agrees fully, too.
    """

    twos: int
    same: int
    alpha: float | None

    @property
    def share(self) -> float | None:
        return self.same / self.twos if self.twos else None

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"share": self.share}


def agreement(given: Sequence[Given]) -> Agreement:
    chosen = defaultdict[tuple[str, ...], Counter[str]](Counter)
    for one in given:
        chosen[*one.ids, one.side][one.chosen] += 1
    twos = sum(_twos(letters.total()) for letters in chosen.values())
    same = sum(_twos(count) for letters in chosen.values() for count in letters.values())
    return Agreement(twos, same, alpha(chosen.values()))


def alpha(units: Iterable[Counter[str]]) -> float | None:
    """Return Krippendorff's alpha for nominal values; a unit counts how often each value was given to one question.

    It is computed from the coincidences (Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011): in a unit of
    m answers, every two answers count 1 / (m - 1); alpha is 1 - observed / expected disagreement.
    """
    observed, values = 0.0, Counter[str]()
    for unit in units:
        if (answers := unit.total()) < 2:
            continue
        values += unit
        differing = answers * answers - sum(count * count for count in unit.values())
        observed += differing / (answers - 1)
    count = values.total()
    expected = count * count - sum(one * one for one in values.values())
    return 1 - (count - 1) * observed / expected if expected else None


def _twos(count: int) -> int:
    return count * (count - 1) // 2
