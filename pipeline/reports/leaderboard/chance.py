"""Chance: what a model that guesses gets, so that a figure can be read against it."""

from __future__ import annotations

from math import prod

from stages.evaluate.sheets import Outcome, Sheet


def chance(sheet: Sheet, metric: str) -> float | None:
    """Return the expected accuracy of independent guesses at what a model was asked; None for other metrics.

    A question that is asked in both orders of its options is guessed twice, and both guesses must be right.
    """
    if metric == "question_accuracy":
        return _mean([_guess(sheet, one) for one in sheet.outcomes])
    if metric == "group_accuracy":
        return _mean([prod(_guess(sheet, one) for one in group) for group in sheet.groups.values()])
    return None


def _guess(sheet: Sheet, outcome: Outcome) -> float:
    question = outcome.question
    choices = question["images"] if sheet.matching else question["options"]
    return float((1 / max(1, len(choices or ()))) ** len(outcome.orders))


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
