"""Evaluation: what a folder holds of models that were asked a benchmark's questions, opened to be read.

Figures come from the scores; what became of each question comes from the answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_args

from manifests.errors import Refused
from manifests.evaluation_tables import ALL, FAILED, SCORES
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.reports.pages.paths import shortened
from stages.evaluate.sheets import (
    MISSING,
    PREDICTIONS_STEP,
    Outcome,
    Row,
    Sheet,
    is_matching,
    model_settings,
    questions_of,
    sheets,
)
from stages.models.answering.settings import BuiltIn

PAIR = 2
BUILT_IN = get_args(BuiltIn.model_fields["kind"].annotation)


@dataclass(frozen=True)
class Figure:
    """One row of the scores; `value` None: unknown, because replies are missing or there was nothing to count."""

    right: int | None = None
    of: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None


NO_FIGURE = Figure()


@dataclass(frozen=True, eq=False)
class Model:
    """A model, how it was asked, and how it did. `form`: the prompt form; "" for models that match."""

    name: str
    step: str  # whose manifest has its predictions
    sheet: Sheet
    settings: Mapping[str, Any]
    figures: Mapping[tuple[str, str], Figure] = field(repr=False)

    @property
    def matching(self) -> bool:
        return self.sheet.matching

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """Question -> what became of it."""
        return {one.question["question_id"]: one for one in self.sheet.outcomes}

    @property
    def form(self) -> str:
        return "" if self.matching else str(self.settings.get("prompt") or self.settings.get("kind") or "unknown")

    @property
    def vision(self) -> bool:
        return bool(self.settings.get("vision", True))

    @property
    def built_in(self) -> bool:
        """Whether it is one of the models that look at nothing, or at the truth."""
        return self.settings.get("kind") in BUILT_IN

    @property
    def complete(self) -> bool:
        return self.sheet.complete

    @property
    def about(self) -> str:
        """Return its kind and which checkpoint it is, without any folder's full path."""
        known = [self.settings.get("kind"), self.settings.get("model"), self.settings.get("pretrained")]
        return " · ".join(str(shortened(one)) for one in known if one) if not self.built_in else ""

    def was_asked(self, group: str) -> bool:
        return group in self.sheet.groups

    def all_right(self, group: str) -> bool:
        """Return whether it got every question of a group right that it was asked."""
        return all(one.right for one in self.sheet.groups[group])

    @property
    def lacking(self) -> list[str]:
        """The groups with a question that got no reply, in the benchmark's order."""
        return [name for name, group in self.sheet.groups.items() if any(map(_lacks_reply, group))]

    def figure(self, metric: str, category: str = ALL) -> Figure:
        return self.figures.get((category, metric), NO_FIGURE)

    def unread(self, category: str = ALL) -> int:
        """Return how many replies choose no option: not read, refused, cut off, failed or missing."""
        return sum(self.figure(one, category).right or 0 for one in UNREAD)


def _lacks_reply(outcome: Outcome) -> bool:
    return not {FAILED, MISSING}.isdisjoint(outcome.statuses)


UNREAD = ("unparsed", "refused", "truncated", "failed", "missing")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The questions, and every model that has answers, the best of its form first."""

    folder: Folder
    questions: Sequence[Row]
    models: Sequence[Model]
    manifests: Mapping[str, Manifest]  # all that the folder holds, by step

    @cached_property
    def groups(self) -> dict[str, list[Row]]:
        found = defaultdict[str, list[Row]](list)
        for question in self.questions:
            found[question["group"]].append(question)
        return dict(found)

    @property
    def in_pairs(self) -> bool:
        """Whether every group is of two questions, as in MMVP."""
        return all(len(group) == PAIR for group in self.groups.values())

    @property
    def headline(self) -> str:
        """The metric that models are ranked by: all of a group right, where groups are of several questions."""
        return "group_accuracy" if any(len(group) > 1 for group in self.groups.values()) else "question_accuracy"

    @property
    def categories(self) -> list[str]:
        """In the benchmark's order."""
        found = dict.fromkeys(question["category"] for question in self.questions)
        return [one for one in found if one not in (None, ALL)]

    def group_words(self) -> tuple[str, str]:
        """Return what a group is called, and several of them."""
        if self.headline == "question_accuracy":
            return "question", "questions"
        return ("pair", "pairs") if self.in_pairs else ("group", "groups")

    def model(self, name: str) -> Model:
        """Raises Refused if no model is called so."""
        if found := next((one for one in self.models if one.name == name), None):
            return found
        known = ", ".join(one.name for one in self.models) or "none"
        raise Refused(f"{self.folder.url} has no model {name}; it has {known}")


def opened(folder: Folder) -> Evaluation:
    """Open an evaluation's folder. Raises NotCommitted if its questions, answers or scores are not finished."""
    asked = [one for one in folder.folders() if one.startswith(PREDICTIONS_STEP) and (folder / one).has(COMMIT)]
    steps = ["questions", *asked, "answers", "scores"]
    manifests = {step: Manifest.open(folder / step) for step in steps}
    predictions = {
        str(model_settings(one)["name"]): one for step, one in manifests.items() if step.startswith(PREDICTIONS_STEP)
    }
    questions = questions_of(manifests["questions"])
    matching = {name for name, one in predictions.items() if is_matching(one)}
    figures, models = _figures(manifests["scores"]), []
    for sheet in sheets(questions, manifests["answers"], matching):
        if sheet.model not in predictions:
            raise Refused(f"{folder.url} has answers of {sheet.model}, but no predictions; evaluate that model again")
        made = predictions[sheet.model]
        models.append(Model(sheet.model, made.folder.name, sheet, model_settings(made), figures.get(sheet.model, {})))
    headline = Evaluation(folder, questions, (), manifests).headline
    return Evaluation(folder, questions, sorted(models, key=lambda one: _rank(one, headline)), manifests)


def _figures(scores: Manifest) -> dict[str, dict[tuple[str, str], Figure]]:
    found = defaultdict[str, dict[tuple[str, str], Figure]](dict)
    for batch in scores.batches(SCORES.columns.names):
        for row in batch.to_pylist():
            model, key = row.pop("model"), (row.pop("category"), row.pop("metric"))
            found[model][key] = Figure(**row)
    return found


def _rank(model: Model, headline: str) -> tuple[Any, ...]:
    figures = (model.figure(headline).value, model.figure("question_accuracy").value)
    return (model.matching, model.form, *(-1 * (-1.0 if value is None else value) for value in figures), model.name)
