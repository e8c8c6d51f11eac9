"""Score: from answers to figures: one row per model, category and metric, with an exact interval where there is one.

A model with a failed or a missing reply is incomplete: its figures are left empty, in every category, and only what
was counted remains. Where both orders of the options were asked, a question is right only if both replies are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from manifests.counts import Counts
from manifests.evaluation_tables import ALL, SCORES
from manifests.schema import Schema
from manifests.shard import Part
from stages.accuracy import Share
from stages.base import Reads, Stage, Task
from stages.evaluate.matched import Square, match_metrics, squares
from stages.evaluate.metrics import counts, metrics
from stages.evaluate.sheets import Sheet, is_matching, model_settings, questions_of, sheets

Metric = tuple[str, Share | float | None]
FIGURES = ("right", "of", "value", "low", "high")


class Score(Stage):
    """The questions and the answers in, the scores out; the predictions of models that match, for their cosines."""

    name = "score"
    unit = "answers"
    rebuildable = True

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def schema(self) -> Schema:
        return SCORES

    def table(self) -> tuple[str, int]:
        return SCORES.name, SCORES.version

    def plan(self, reads: Reads) -> list[Task]:
        return [Task("00000")]

    def expected(self, reads: Reads) -> int:
        return reads["answers"].rows

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        """Make the rows. `reads`: questions, answers, and any number of predictions, of which cosines are used."""
        questions = questions_of(reads["questions"])
        cosines = {
            model_settings(one)["name"]: squares(questions, one)
            for step, one in reads.items()
            if step not in ("questions", "answers") and is_matching(one)
        }
        rows = [
            row
            for sheet in sheets(questions, reads["answers"], cosines)
            for row in _rows(sheet, cosines.get(sheet.model, {}))
        ]
        answers = reads["answers"].rows
        yield Part(pa.Table.from_pylist(rows, schema=SCORES.columns), Counts(answers, answers))


def _rows(sheet: Sheet, cosines: Mapping[str, Square]) -> Iterator[dict[str, Any]]:
    for category, part in parts(sheet):
        pairs = [cosines[group] for group in part.groups if group in cosines]
        for metric in (*metrics(part), *match_metrics(pairs)):
            yield _row(sheet.model, category, metric, shown=sheet.complete)
        for metric in counts(part):
            row = _row(sheet.model, category, metric, shown=True)
            yield row | {"low": None, "high": None}  # a count of what happened is no estimate


def parts(sheet: Sheet) -> Iterator[tuple[str, Sheet]]:
    """Yield all of a sheet, then what it has of each category, in the benchmark's order."""
    yield ALL, sheet
    found = dict.fromkeys(one.question["category"] for one in sheet.outcomes)
    yield from ((name, sheet.of_category(name)) for name in found if name not in (None, ALL))


def _row(model: str, category: str, metric: Metric, *, shown: bool) -> dict[str, Any]:
    name, found = metric
    row: dict[str, Any] = {"model": model, "category": category, "metric": name} | dict.fromkeys(FIGURES)
    if isinstance(found, Share):
        row |= {"right": found.right, "of": found.of}
        if shown and found.of:
            row |= dict(zip(("value", "low", "high"), (found.value, *found.interval), strict=True))
    elif shown:
        row["value"] = found
    return row
