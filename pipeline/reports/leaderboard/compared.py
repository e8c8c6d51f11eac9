"""Compared: paired tests of models, correlations over categories, and each model with the image and without it.

Answering models that were asked in different prompt forms are never compared: the form alone moves the figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.reports.leaderboard.evaluation import Evaluation, Model
from stages.correlation import Correlation, correlation_of_groups
from stages.evaluate.sheets import Sheet
from stages.paired_tests import Difference, difference, holm

NEEDS_NO_EYES = 0.05  # a benchmark on which seeing gives no more than this (Cambrian-1, section 3.1) asks for knowledge
NAMING = {"name", "vision"}  # settings in which the same model with and without its image differ


@dataclass(frozen=True)
class Versus:
    """One model minus another, over all groups and in each category; `adjusted` has Holm's p of each category."""

    left: str
    right: str
    all: Difference
    by_category: Mapping[str, Difference] = field(default_factory=dict)
    adjusted: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        parts = {
            name: one.to_json() | {"holm_p": self.adjusted[name]} for name, one in sorted(self.by_category.items())
        }
        return {"first": self.left, "second": self.right, **self.all.to_json(), "categories": parts}


@dataclass(frozen=True)
class Scatter:
    """A matching and an answering model: the share each got right in every category, and how the shares correlate."""

    matching: str
    answering: str
    points: tuple[tuple[str, float, float], ...]  # category, the matching model's share, the answering one's
    correlation: Correlation


@dataclass(frozen=True)
class ImageGain:
    """The same model with the image and without it: `gain` is what seeing gives in the headline figure."""

    on: Model
    off: Model
    gain: Difference


def comparable(left: Model, right: Model) -> bool:
    """Return whether two figures may stand side by side: both complete, and of one form unless one model matches."""
    same = left.form == right.form or left.matching or right.matching
    return left.complete and right.complete and same


def versus(left: Model, right: Model, categories: Sequence[str]) -> Versus | None:
    """Compare two models on the groups both were asked; None if there are none."""
    if (found := _difference(left.sheet, right.sheet)) is None:
        return None
    pairs = {name: _difference(left.sheet.of_category(name), right.sheet.of_category(name)) for name in categories}
    by_category = {name: one for name, one in pairs.items() if one is not None}
    adjusted = holm([one.p for one in by_category.values()])
    return Versus(left.name, right.name, found, by_category, dict(zip(by_category, adjusted, strict=True)))


def _difference(left: Sheet, right: Sheet) -> Difference | None:
    ours, theirs = _outcomes(left), _outcomes(right)
    shared = [name for name in ours if name in theirs]
    return difference([ours[name] for name in shared], [theirs[name] for name in shared])


def _outcomes(sheet: Sheet) -> dict[str, bool]:
    return {name: all(one.right for one in group) for name, group in sheet.groups.items()}


def judged(models: Sequence[Model]) -> list[Model]:
    """Return the models whose eyes are on trial: those that were shown the image and are not built in.

    Where all answering models are built in, as in the demo, these stand for them.
    """
    seeing = [one for one in models if one.vision]
    real = [one for one in seeing if not one.built_in]
    return real if any(not one.matching for one in real) else seeing


def scatters(evaluation: Evaluation) -> list[Scatter]:
    """Return one for each matching and each answering model that are complete, if there are categories to compare."""
    ready = [one for one in judged(evaluation.models) if one.complete]
    pairs = [(left, right) for left in ready if left.matching for right in ready if not right.matching]
    found = [_scatter(left, right, evaluation.categories) for left, right in pairs]
    return [one for one in found if one.points]


def _scatter(left: Model, right: Model, categories: Sequence[str]) -> Scatter:
    groups, points = [], []
    for name in categories:
        ours, theirs = _outcomes(left.sheet.of_category(name)), _outcomes(right.sheet.of_category(name))
        if ours and theirs:
            points.append((name, sum(ours.values()) / len(ours), sum(theirs.values()) / len(theirs)))
        groups.append([(_tally(ours, group), _tally(theirs, group)) for group in {**ours, **theirs}])
    return Scatter(left.name, right.name, tuple(points), correlation_of_groups(groups))


def _tally(outcomes: Mapping[str, bool], group: str) -> tuple[int, int]:
    return (int(outcomes[group]), 1) if group in outcomes else (0, 0)


def image_gains(models: Sequence[Model]) -> list[ImageGain]:
    """Return the models that were asked with the image and without it, and otherwise alike."""
    found = []
    for off in (one for one in models if not one.vision):
        for on in models:
            if on.vision and comparable(on, off) and _asked_alike(on, off):
                gain = _difference(on.sheet, off.sheet)
                found += [ImageGain(on, off, gain)] if gain else []
    return found


def _asked_alike(left: Model, right: Model) -> bool:
    ours, theirs = (
        {name: value for name, value in one.settings.items() if name not in NAMING} for one in (left, right)
    )
    return ours == theirs
