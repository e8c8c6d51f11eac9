"""Paired tests: whether two models that were asked the same groups of questions differ by more than chance.

McNemar's exact test (Psychometrika 12, 1947) looks only at the groups that one of the two got right and the other did
not. Holm's correction (Scandinavian Journal of Statistics 6, 1979) makes several such tests, one per category, safe to
read together. The paired bootstrap says by how much the two differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS, SEED = 10_000, 0


@dataclass(frozen=True)
class Difference:
    """How two models differ on the groups both were asked: accuracy of the first minus that of the second (-1 to 1).

    `only_left` and `only_right` count the groups that only one of them got right; `p` is McNemar's. `low` and `high`
    are the ends of the 95 % interval; None if every draw of the bootstrap gives the same difference, as it then says
    nothing.
    """

    groups: int
    value: float
    low: float | None
    high: float | None
    only_left: int
    only_right: int
    p: float

    def to_json(self) -> dict[str, Any]:
        interval = None if self.low is None else [self.low, self.high]
        only = {"only_first": self.only_left, "only_second": self.only_right}
        return {"groups": self.groups, "difference": self.value, "interval": interval, **only, "p": self.p}


def difference(left: ArrayLike, right: ArrayLike) -> Difference | None:
    """Compare two models. Both arguments: (groups,) truth values, the same groups in the same order; None if none."""
    first, second = np.asarray(left, bool), np.asarray(right, bool)
    if not len(first):
        return None
    only = int((first & ~second).sum()), int((~first & second).sum())
    low, high = _interval(len(first), *only)
    return Difference(len(first), (only[0] - only[1]) / len(first), low, high, *only, mcnemar(*only))


def mcnemar(only_left: int, only_right: int) -> float:
    """Return the two-sided exact p: how probable a coin makes a split at least as uneven as this one."""
    from scipy.special import bdtr  # not scipy.stats, which takes a second to load

    both = only_left + only_right
    return min(1.0, 2 * float(bdtr(min(only_left, only_right), both, 0.5))) if both else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p values, in the order of the given ones; each is compared with the same level, such as 0.05.

    The k-th smallest of m is multiplied by m - k + 1, and none is smaller than one that ranks before it.
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _interval(groups: int, only_left: int, only_right: int) -> tuple[float | None, float | None]:
    """Return the percentile interval of the paired bootstrap over groups.

    A group counts +1, -1 or 0, so to draw groups with replacement is to draw these three counts: one multinomial
    a draw, whatever the number of groups.
    """
    shares = np.array([only_left, only_right, groups - only_left - only_right]) / groups
    drawn: NDArray[np.int64] = np.random.default_rng(SEED).multinomial(groups, shares, size=DRAWS)
    low, high = np.percentile((drawn[:, 0] - drawn[:, 1]) / groups, (2.5, 97.5))
    return (float(low), float(high)) if high > low else (None, None)
