"""Summary: the scores as text for the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from manifests.evaluation_tables import ALL
from manifests.storage import Folder
from pipeline.reports.leaderboard.compared import Versus, comparable, versus
from pipeline.reports.leaderboard.evaluation import UNREAD, Evaluation, Figure, Model, opened
from pipeline.reports.leaderboard.spent import Spent, spent
from pipeline.run.layout import LEADERBOARD
from stages.text import many, plain_lines, table

NO_FIGURES = "no figures without those"


@dataclass(frozen=True, eq=False)
class ScoresSummary:
    """How every model did. `against`: each of the others compared with one model, if they were asked alike."""

    evaluation: Evaluation
    against: Sequence[Versus] = ()
    apart: Sequence[str] = ()  # models that were to be compared, and cannot be
    spent: Mapping[str, Spent] = field(default_factory=dict)  # model -> its tokens, if any are known

    @property
    def page(self) -> str:
        return f"{self.evaluation.folder.url}/{LEADERBOARD}"

    def to_json(self) -> dict[str, Any]:
        return {
            "evaluation": self.evaluation.folder.url,
            "questions": len(self.evaluation.questions),
            "groups": len(self.evaluation.groups),
            "headline": self.evaluation.headline,
            "models": [self._model_json(model) for model in self.evaluation.models],
            "against": [one.to_json() for one in self.against],
            "not_compared": list(self.apart),
            "leaderboard": self.page,
        }

    def _model_json(self, model: Model) -> dict[str, Any]:
        scores: dict[str, dict[str, Any]] = {}
        for (category, metric), figure in model.figures.items():
            scores.setdefault(category, {})[metric] = figure.__dict__
        used = self.spent.get(model.name)
        return {
            "name": model.name,
            "form": model.form or None,
            "complete": model.complete,
            "spent": used.__dict__ if used else None,
            "scores": scores,
        }

    def __str__(self) -> str:
        evaluation, groups = self.evaluation, many(len(self.evaluation.groups), *self.evaluation.group_words())
        head = f"{evaluation.folder.url}: {many(len(evaluation.questions), 'question')} in {groups}"
        tables = [line for models in self._alike() for line in (*self._figures(models), *self._by_category(models))]
        return plain_lines([head, *tables, *self._against(), *self._spent(), f"leaderboard: {self.page}"])

    def _alike(self) -> list[list[Model]]:
        """Return the models of each prompt form, and those that match: their figures never share a table."""
        models = self.evaluation.models
        return [[one for one in models if one.form == form] for form in dict.fromkeys(one.form for one in models)]

    def _figures(self, models: Sequence[Model]) -> list[str]:
        in_groups = self.evaluation.headline == "group_accuracy"
        heads = ["model", "prompt form", "questions right, %"]
        heads += [f"{self.evaluation.group_words()[1]} right, %"] if in_groups else []
        return table([*heads, ""], [self._row(one, in_groups) for one in models])

    def _row(self, model: Model, in_groups: bool) -> list[str]:
        metrics = ("question_accuracy", *(("group_accuracy",) if in_groups else ()))
        figures = [_percent(model.figure(metric)) for metric in metrics]
        return [model.name, model.form or "matches images", *figures, _unread(model)]

    def _by_category(self, models: Sequence[Model]) -> Iterator[str]:
        evaluation = self.evaluation
        if not evaluation.categories:
            return
        yield f"{evaluation.group_words()[1]} right by category, %"
        rows = [
            [category, *(_short(model.figure(evaluation.headline, category)) for model in models)]
            for category in evaluation.categories
        ]
        yield from table(["", *(model.name for model in models)], rows)

    def _against(self) -> Iterator[str]:
        if self.apart:
            yield f"not compared, for they are incomplete or of another prompt form: {', '.join(self.apart)}"
        if not self.against:
            return
        right = self.against[0].right
        yield f"compared with {right}, in percentage points (McNemar's exact test; p of categories corrected by Holm)"
        rows = [row for one in self.against for row in _compared(one)]
        yield from table(["model", "category", "difference", f"only it right, only {right} right", "p"], rows)

    def _spent(self) -> Iterator[str]:
        for name, used in self.spent.items():
            money = "" if used.money is None else f", which cost {used.money:,.2f} at the prices given"
            yield f"{name}: {used.tokens_in:,} tokens in requests, {used.tokens_out:,} in replies{money}"


def scores_of(
    folder: Folder, against: str | None = None, prices: Mapping[str, tuple[float, float]] | None = None
) -> ScoresSummary:
    """Return the scores of a finished evaluation. `prices`: of a million tokens of requests and of replies, by model.

    Raises NotCommitted if a step is missing; Refused if `against` is no model of it.
    """
    evaluation = opened(folder)
    found, apart = ([], []) if against is None else _versus(evaluation, evaluation.model(against))
    return ScoresSummary(evaluation, found, apart, spent(evaluation, prices or {}))


def _versus(evaluation: Evaluation, base: Model) -> tuple[list[Versus], list[str]]:
    """Return every other model compared with this one, and the names of those that cannot be."""
    others = [one for one in evaluation.models if one is not base]
    pairs = [(one, versus(one, base, evaluation.categories) if comparable(one, base) else None) for one in others]
    return [pair for _, pair in pairs if pair is not None], [one.name for one, pair in pairs if pair is None]


def _compared(one: Versus) -> Iterator[list[str]]:
    yield _difference(one.left, ALL, one.all.value, one.all.only_left, one.all.only_right, one.all.p)
    for name, part in one.by_category.items():
        yield _difference("", name, part.value, part.only_left, part.only_right, one.adjusted[name])


def _difference(model: str, category: str, value: float, left: int, right: int, p: float) -> list[str]:
    return [model, category, f"{100 * value:+.1f}", f"{left:,}, {right:,}", "< 0.001" if p < 0.001 else f"{p:.3f}"]


def _percent(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    share = f"{100 * figure.value:.1f}"
    if figure.low is None or figure.high is None:
        return share
    return f"{share} ({100 * figure.low:.1f} to {100 * figure.high:.1f})"


def _short(figure: Figure) -> str:
    return "-" if figure.value is None else f"{100 * figure.value:.0f}"


def _unread(model: Model) -> str:
    """Return what became of replies that choose no option; and whether figures are left out for it."""
    found = [f"{count:,} {status}" for status in UNREAD if (count := model.figure(status).right)]
    return ", ".join(found) + ("" if model.complete else f"; {NO_FIGURES}")
