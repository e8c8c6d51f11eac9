"""Read answers: which option each reply chooses, and whether that is right. Cheap: it is made again from kept replies.

A reply in words is read by the rules of a scorer (reading.py), of likelihoods the largest counts, and of a matching
model's cosines that of the image it is nearest to (tsb0601/MMVP, scripts/evaluate_vlm.py). Where a grader judged the
words, its verdict decides, unless a reader is named. A reply that was cut off, refused or failed is never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from manifests.counts import by_status
from manifests.errors import Refused
from manifests.evaluation_tables import ANSWERS
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part
from stages.base import Reads, Stage, Task
from stages.evaluate.judging import Judge, Row
from stages.evaluate.reading import READERS
from stages.evaluate.sheets import PREDICTIONS_STEP, is_matching, model_settings, questions_by_id
from stages.text import did_you_mean

BY_FORM = "form"  # each reply by the rules that belong to its prompt form
VERDICTS_STEP = "verdicts-"
COPIED = ("group", "category", "source")
QUESTION = ("question_id", *COPIED, "kind", "image_id", "images", "options", "answer")
PREDICTION = ("question_id", "order", "response", "scores", "status", "error")
VERDICT = ("question_id", "order", "verdict", "status", "error")


class ReadAnswers(Stage):
    """The questions, predictions and verdicts in, the answers out: one task for each shard of predictions."""

    name = "answers"
    unit = "replies"
    rebuildable = True

    def __init__(self, reader: str = BY_FORM) -> None:
        """`reader`: whose rules read the replies. Raises Refused if there are none of this name."""
        if reader not in (BY_FORM, *READERS):
            near = did_you_mean(reader, (BY_FORM, *READERS))
            raise Refused(
                f"there are no rules {reader!r} for reading replies; {near}there are: {', '.join((BY_FORM, *READERS))}"
            )
        self.reader = reader

    @property
    def settings(self) -> Mapping[str, Any]:
        used = READERS if self.reader == BY_FORM else {self.reader: READERS[self.reader]}
        return {"reading": {"reader": self.reader, "versions": {name: one.version for name, one in used.items()}}}

    def schema(self) -> Schema:
        return ANSWERS

    def table(self) -> tuple[str, int]:
        return ANSWERS.name, ANSWERS.version

    def plan(self, reads: Reads) -> list[Task]:
        return [
            Task(f"{step.removeprefix(PREDICTIONS_STEP)}-{shard.name}", {"step": step, "shard": shard.name})
            for step, predictions in reads.items()
            if step.startswith(PREDICTIONS_STEP)
            for shard in predictions.shards
        ]

    def expected(self, reads: Reads) -> int:
        return sum(one.rows for step, one in reads.items() if step.startswith(PREDICTIONS_STEP))

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        predictions = reads[task.facts["step"]]
        settings = model_settings(predictions)
        name, judge = str(settings["name"]), self._judge(predictions, settings, reads)
        replies = predictions.read(task.facts["shard"], PREDICTION).to_pylist()
        questions = questions_by_id(reads["questions"], {reply["question_id"] for reply in replies}, QUESTION)
        asked = [(questions[reply["question_id"]], reply) for reply in replies]
        answers = [{**_answer(name, *one), **judge.judged(*one)} for one in asked]
        table = pa.Table.from_pylist(answers, schema=ANSWERS.columns)
        yield Part(table, by_status(table))

    def _judge(self, predictions: Manifest, settings: Row, reads: Reads) -> Judge:
        reader = None if self.reader == BY_FORM else self.reader
        verdicts = _verdicts(reads.get(f"{VERDICTS_STEP}{settings['name']}"))
        return Judge(is_matching(predictions), str(settings.get("prompt")), reader, verdicts)


def _answer(name: str, question: Row, reply: Row) -> dict[str, Any]:
    known = {"model": name, "question_id": reply["question_id"], "order": reply["order"]}
    return known | {column: question[column] for column in COPIED}


def _verdicts(verdicts: Manifest | None) -> dict[tuple[str, str], Row] | None:
    if verdicts is None:
        return None
    rows = (row for batch in verdicts.batches(VERDICT) for row in batch.to_pylist())
    return {(row["question_id"], row["order"]): row for row in rows}
