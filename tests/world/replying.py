"""Replies made by hand: a model that replies by a rule, predictions, and the answers that are read in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from world.committed import committed

from manifests.evaluation_tables import ANSWERS, ASKED, PREDICTIONS
from manifests.manifest import Manifest
from manifests.schema import Schema
from stages.evaluate.answers import ReadAnswers
from stages.models.answering.base import NoReply, Question, Reply

Row = dict[str, Any]


class Replying:
    """A model (base.AnsweringModel) that gives each question the rule's reply; None: it has none yet."""

    computed = "by hand"

    def __init__(self, rule: Callable[[Question], Reply | None]) -> None:
        self.rule, self.asked = rule, list[Question]()

    def replies(self, questions: Sequence[Question], *, likelihood: bool) -> Iterator[tuple[int, Reply]]:
        """Yield in reverse order, as replies may come in any. Raises NoReply after the last if some have none."""
        missing = 0
        for place in reversed(range(len(questions))):
            self.asked.append(questions[place])
            if (reply := self.rule(questions[place])) is None:
                missing += 1
            else:
                yield place, reply
        if missing:
            raise NoReply(f"{missing} questions got no reply")


def prediction(question_id: str, **more: Any) -> Row:
    """A row of predictions: an ok reply in words unless `more` says otherwise."""
    known = {"model": "m", "question_id": question_id, "order": "as_written", "vision": True, "prompt": "p"}
    return dict.fromkeys(PREDICTIONS.columns.names) | known | {"seconds": 0.1, "status": "ok"} | more


def evaluation(
    folder: Path, questions: Sequence[Row], replies: Sequence[Row], *, shards: Sequence[int] | None = None, **model: Any
) -> dict[str, Manifest]:
    """What steps read: the questions and one model's predictions, in shards of these sizes (one by default)."""
    known = {"name": "m", "kind": "openai", "prompt": "letter", "vision": True, "answer": "text"} | model
    table = pa.Table.from_pylist(list(replies), schema=PREDICTIONS.columns)
    predictions = committed(folder / "predictions-m", PREDICTIONS, table, shards, model=known)
    return {"questions": step(folder / "questions", ASKED, questions), "predictions-m": predictions}


def step(folder: Path, schema: Schema, rows: Sequence[Mapping[str, Any]]) -> Manifest:
    return committed(folder, schema, pa.Table.from_pylist(list(rows), schema=schema.columns))


def read_answers(reads: Mapping[str, Manifest], reader: str = "form") -> list[Row]:
    """The answers to all tasks, which have the table's columns."""
    stage = ReadAnswers(reader)
    parts = [part for task in stage.plan(reads) for part in stage.process(task, reads)]
    assert sum(part.table.num_rows for part in parts) == stage.expected(reads)
    return [row for part in parts for row in ANSWERS.conform(part.table).to_pylist()]


def read_one(folder: Path, asked: Row, reader: str = "form", *, model: Mapping[str, Any] = {}, **reply: Any) -> Row:
    """The answer to one reply to one question. `model`: what the lineage of the predictions says of it."""
    [answer] = read_answers(evaluation(folder, [asked], [prediction(asked["question_id"], **reply)], **model), reader)
    return answer


def told(answer: Row) -> tuple[str | None, str | None, bool | None, str]:
    """Answer, rule, right and status of an answer."""
    return answer["answer"], answer["rule"], answer["right"], answer["status"]
