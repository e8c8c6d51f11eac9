"""Spent: the tokens of each model's requests and replies, and what they cost at given prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.reports.leaderboard.evaluation import Evaluation, Model

MILLION = 1_000_000
TOKENS = ("tokens_in", "tokens_out")
Prices = tuple[float, float]  # of a million tokens of requests, and of a million of replies


@dataclass(frozen=True)
class Spent:
    """What all kept replies of a model took. `money`: in the currency of the prices; None if there are no prices."""

    tokens_in: int
    tokens_out: int
    money: float | None = None


def spent(evaluation: Evaluation, prices: Mapping[str, Prices]) -> dict[str, Spent]:
    """Return what each model took, for those of which it is known. `prices`: by model."""
    found = {model.name: _spent(evaluation, model, prices.get(model.name)) for model in evaluation.models}
    return {name: one for name, one in found.items() if one is not None}


def _spent(evaluation: Evaluation, model: Model, prices: Prices | None) -> Spent | None:
    counts = [row for batch in evaluation.manifests[model.step].batches(TOKENS) for row in batch.to_pylist()]
    if all(count is None for row in counts for count in row.values()):
        return None
    asked, replied = (sum(row[name] or 0 for row in counts) for name in TOKENS)
    money = None if prices is None else (asked * prices[0] + replied * prices[1]) / MILLION
    return Spent(asked, replied, money)
