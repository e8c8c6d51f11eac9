"""Correlation: whether two models find the same categories hard, as MMVP asks of CLIP models and MLLMs.

Source: "Eyes Wide Shut?" (arXiv 2401.06209), section 3.3: Pearson's r over the nine patterns. Nine values are few: a
published 0.87 means 0.49 to 0.97. So the p value is exact, from every pairing of the values, and the interval comes
from drawing the groups anew within each category.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST = 3  # categories: two values always lie on a line
EXACT = 9  # categories of which all pairings are tried: 9! = 362,880
PAIRINGS, DRAWS, SEED = 100_000, 2000, 0
ROUNDING = 1e-9  # two coefficients that differ by less are equal
Array = NDArray[np.float64]
Outcome = tuple[int, int]  # right, and out of how many
Groups = Sequence[tuple[Outcome, Outcome]]  # of one category: the outcomes of both models, (0, 0) if one was not asked


@dataclass(frozen=True)
class Coefficient:
    """Pearson's or Spearman's; `p` is two-sided; `interval` at 95 %, None if too few draws have a coefficient."""

    value: float
    p: float
    interval: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value, "p": self.p, "interval": list(self.interval) if self.interval else None}


@dataclass(frozen=True)
class Correlation:
    """Both coefficients over `categories` values; None where one side is constant, or there are too few."""

    categories: int
    pearson: Coefficient | None
    spearman: Coefficient | None
    exact: bool = True  # whether p is of every pairing; else of PAIRINGS random ones

    def to_json(self) -> dict[str, Any]:
        found = {name: one and one.to_json() for name in ("pearson", "spearman") for one in [getattr(self, name)]}
        return {"categories": self.categories, **found, "exact": self.exact}


def correlation(left: ArrayLike, right: ArrayLike) -> Correlation:
    """Correlate two vectors of one value a category, without an interval."""
    first, second = np.asarray(left, np.float64), np.asarray(right, np.float64)
    return _correlation(first, second, None)


def correlation_of_groups(categories: Sequence[Groups]) -> Correlation:
    """Correlate the shares two models got right in each category, with intervals.

    A category in which one of them was asked nothing is left out.
    """
    shared = [groups for groups in categories if all(sum(one[side][1] for one in groups) for side in (0, 1))]
    first, second = _shares([_totals(groups) for groups in shared])
    return _correlation(first, second, _redrawn(shared) if len(shared) >= FEWEST else None)


def _correlation(first: Array, second: Array, drawn: tuple[Array, Array] | None) -> Correlation:
    pearson = _coefficient(first, second, drawn)
    ranked = drawn and (_ranks(drawn[0]), _ranks(drawn[1]))
    spearman = _coefficient(_ranks(first), _ranks(second), ranked)
    return Correlation(len(first), pearson, spearman, len(first) <= EXACT)


def _coefficient(first: Array, second: Array, drawn: tuple[Array, Array] | None) -> Coefficient | None:
    if len(first) < FEWEST or _is_constant(first) or _is_constant(second):
        return None
    value = float(_coefficients(first, second))
    pairings = _coefficients(second[_pairings(len(first))], first)
    p = float((np.abs(pairings) >= abs(value) - ROUNDING).mean())
    return Coefficient(value, p, None if drawn is None else _interval(*drawn))


def _interval(first: Array, second: Array) -> tuple[float, float] | None:
    found = _coefficients(first, second)
    found = found[~np.isnan(found)]
    if len(found) < DRAWS / 2:
        return None
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def _coefficients(first: Array, second: Array) -> Array:
    """Return Pearson's r along the last axis; nan where a side is constant."""
    left = first - first.mean(-1, keepdims=True)
    right = second - second.mean(-1, keepdims=True)
    product = np.einsum("...i,...i->...", left, right)
    norms = np.sqrt(np.einsum("...i,...i->...", left, left) * np.einsum("...i,...i->...", right, right))
    return np.divide(product, norms, out=np.full_like(product, np.nan), where=norms > ROUNDING)


def _is_constant(values: Array) -> bool:
    return bool(np.ptp(values) <= ROUNDING)


def _ranks(values: Array) -> Array:
    """Return ranks along the last axis, from 1; equal values share the mean of theirs."""
    rounded = np.round(values, 9)
    below = (rounded[..., None, :] < rounded[..., :, None]).sum(-1)
    equal = (rounded[..., None, :] == rounded[..., :, None]).sum(-1)
    return below + (equal + 1) / 2


@lru_cache(maxsize=1)
def _pairings(count: int) -> NDArray[np.signedinteger]:
    """Return (pairings, count): every order of so many places, or PAIRINGS random ones besides the given one."""
    if count > EXACT:
        random = np.random.default_rng(SEED)
        drawn = random.permuted(np.tile(np.arange(count, dtype=np.int16), (PAIRINGS, 1)), axis=1)
        return np.concatenate([np.arange(count, dtype=np.int16)[None], drawn])
    orders = np.zeros((1, 0), np.int8)
    for place in range(count):  # the next place is put between those there are, at every position
        parts = [np.insert(orders, position, place, axis=1) for position in range(place + 1)]
        orders = np.concatenate(parts)
    return orders


def _totals(groups: Groups) -> list[list[int]]:
    return [[sum(one[side][part] for one in groups) for part in (0, 1)] for side in (0, 1)]


def _shares(totals: Sequence[list[list[int]]]) -> tuple[Array, Array]:
    counts = np.array(totals, np.float64).reshape(len(totals), 2, 2)
    return counts[:, 0, 0] / counts[:, 0, 1], counts[:, 1, 0] / counts[:, 1, 1]


def _redrawn(categories: Sequence[Groups]) -> tuple[Array, Array]:
    """Return both models' shares, each (draws, categories), with the groups of each category drawn anew.

    Groups with the same outcomes are drawn as one kind, by a multinomial. Draws that leave a model nothing are dropped.
    """
    random, parts = np.random.default_rng(SEED), []
    for groups in categories:
        kinds, counts = np.unique(np.array(groups, np.int64).reshape(len(groups), 4), axis=0, return_counts=True)
        times = random.multinomial(len(groups), counts / len(groups), size=DRAWS)
        right, of = times @ kinds[:, [0, 2]], times @ kinds[:, [1, 3]]
        parts.append(np.divide(right, of, out=np.full(right.shape, np.nan), where=of > 0))
    shares = np.array(parts)  # (categories, draws, 2)
    whole = ~np.isnan(shares).any(axis=(0, 2))
    return shares[:, whole, 0].T, shares[:, whole, 1].T
