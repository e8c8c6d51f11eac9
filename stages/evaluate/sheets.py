"""Sheets: for each model, every question it should have been asked, and what became of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from manifests.evaluation_tables import AS_WRITTEN, FAILED, REVERSED
from manifests.manifest import Manifest
from manifests.tables import OK
from stages.models.matching.settings import MATCHING_KINDS

MISSING = "missing"  # of a reply that is not there
QUESTION = (
    *("question_id", "place", "group", "category", "source", "kind", "image_id", "images"),
    *("question", "options", "answer", "statement"),
)
ANSWER = ("model", "question_id", "order", "answer", "right", "status")
PREDICTIONS_STEP = "predictions-"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """One question put to one model, in one order of its options or in both.

    `chosen` and `statuses` have an entry per order asked: the letter as the options are written (None if it was not
    read), and ok, unparsed, refused, truncated, failed or missing.
    """

    question: Row
    orders: tuple[str, ...]
    chosen: tuple[str | None, ...]
    statuses: tuple[str, ...]
    right: bool  # in every order in which it was asked

    @property
    def first_shown(self) -> Iterator[bool]:
        """Yield, for each reply that was read, whether it chose the option that was shown first."""
        last = chr(ord("a") + len(self.question["options"] or "a") - 1)
        for order, letter in zip(self.orders, self.chosen, strict=True):
            if letter is not None:
                yield letter == (last if order == REVERSED else "a")


@dataclass(frozen=True)
class Sheet:
    """All that one model was asked. `matching`: it compares images with statements, and gives no answer in words."""

    model: str
    matching: bool
    outcomes: tuple[Outcome, ...]

    @property
    def both_orders(self) -> bool:
        return any(len(one.orders) > 1 for one in self.outcomes)

    @cached_property
    def statuses(self) -> Counter[str]:
        return Counter(status for one in self.outcomes for status in one.statuses)

    @property
    def complete(self) -> bool:
        """Whether every question has a reply; otherwise there is no headline, whatever the others say."""
        return bool(self.outcomes) and not (self.statuses[FAILED] or self.statuses[MISSING])

    @cached_property
    def groups(self) -> dict[str, list[Outcome]]:
        """The outcomes of each group, in the benchmark's order."""
        found = defaultdict[str, list[Outcome]](list)
        for one in self.outcomes:
            found[one.question["group"]].append(one)
        return dict(found)

    def of_category(self, category: str) -> Sheet:
        return Sheet(self.model, self.matching, tuple(o for o in self.outcomes if o.question["category"] == category))


def is_matching(predictions: Manifest) -> bool:
    """Return whether these predictions are cosines of images with statements, by the kind of model that made them."""
    return model_settings(predictions).get("kind") in MATCHING_KINDS


def model_settings(predictions: Manifest) -> Mapping[str, Any]:
    """Return what is known of the model that made them, as its lineage has it: at least its `name`."""
    named: Mapping[str, Any] = predictions.lineage.settings.get("model", {})
    return {"name": predictions.folder.name.removeprefix(PREDICTIONS_STEP), **named}


def questions_by_id(questions: Manifest, wanted: Collection[str], columns: Sequence[str]) -> dict[str, Row]:
    """Return these columns of the wanted questions, by question_id, which is one of the columns."""
    rows = (row for batch in questions.batches(columns) for row in batch.to_pylist())
    return {row["question_id"]: row for row in rows if row["question_id"] in wanted}


def questions_of(questions: Manifest) -> list[dict[str, Any]]:
    """Read the questions, in the benchmark's order."""
    rows = [row for batch in questions.batches(QUESTION) for row in batch.to_pylist()]
    return sorted(rows, key=lambda row: row["place"])


def sheets(questions: Sequence[Row], answers: Manifest, matching: Collection[str]) -> list[Sheet]:
    """Return a sheet for each model that has answers, in the order of the answers. `matching`: names of those models.

    Models that answer are asked the questions, in both orders if any reply is of the reversed one; models that match
    are given the statements. What has no answer is missing.
    """
    found = defaultdict[str, dict[tuple[str, str], Row]](dict)
    for batch in answers.batches(ANSWER):
        for row in batch.to_pylist():
            found[row["model"]][row["question_id"], row["order"]] = row
    return [_sheet(model, model in matching, questions, replies) for model, replies in found.items()]


def _sheet(model: str, matching: bool, questions: Sequence[Row], replies: Mapping[tuple[str, str], Row]) -> Sheet:
    put = "statement" if matching else "question"
    orders = sorted({order for _, order in replies}, key=(AS_WRITTEN, REVERSED).index)
    asked = [question for question in questions if question[put] is not None]
    return Sheet(model, matching, tuple(_outcome(one, tuple(orders), replies) for one in asked))


def _outcome(question: Row, orders: tuple[str, ...], replies: Mapping[tuple[str, str], Row]) -> Outcome:
    rows = [replies.get((question["question_id"], order)) for order in orders]
    statuses = tuple(row["status"] if row else MISSING for row in rows)
    right = all(row is not None and row["status"] == OK and row["right"] for row in rows)
    return Outcome(question, orders, tuple(row["answer"] if row else None for row in rows), statuses, right)
