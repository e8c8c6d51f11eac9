"""Chance: what a model that guesses gets, so that a figure can be read against it."""

from __future__ import annotations

from math import prod

from pipeline.reports.leaderboard.evaluation import Model
from stages.evaluate.sheets import Outcome


def chance(model: Model, metric: str) -> float | None:
    """Return the expected accuracy of independent guesses at what this model was asked; None for other metrics."""
    if metric == "question_accuracy":
        return _mean([_guess(model, one) for one in model.sheet.outcomes])
    if metric == "group_accuracy":
        return _mean([prod(_guess(model, one) for one in group) for group in model.sheet.groups.values()])
    return None


def _guess(model: Model, outcome: Outcome) -> float:
    question = outcome.question
    choices = question["images"] if model.matching else question["options"]
    return 1 / max(1, len(choices or ()))


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
