"""Imported: replies from another program, in place of a model that is asked. One task reads the file.

A question without a reply in the file counts as missing, as everywhere else: the model then has no headline figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from manifests.counts import by_status
from manifests.errors import Refused
from manifests.evaluation_tables import AS_WRITTEN, PREDICTIONS
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part
from stages.base import Machine, Reads, Stage, Task
from stages.evaluate.imports.kinds import read_replies
from stages.evaluate.imports.reply import ImportedReply
from stages.evaluate.imports.same_question import matched
from stages.evaluate.imports.settings import ImportedSettings
from stages.evaluate.prompts import FORMS

COLUMNS = ("question_id", "place", "kind", "question", "options", "answer")


class ImportedPredictions(Stage):
    """The asked questions and a file of replies in, one model's predictions out."""

    name = "imported"
    unit = "replies"

    def __init__(self, model: str, settings: ImportedSettings) -> None:
        """`model`: what the evaluation calls it."""
        self.model, self.chosen = model, settings
        self._digest = ""
        self._read: Sequence[ImportedReply] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_read": None}  # a worker reads the file itself

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is known of how the model was asked. Where the file lies is left out: it is known by its hash."""
        shown = self.chosen.model_dump(mode="json", exclude={"uri"}, exclude_none=True)
        return {"model": {"name": self.model, **shown, "form": FORMS[self.chosen.prompt].version}}

    def schema(self) -> Schema:
        return PREDICTIONS

    def table(self) -> tuple[str, int]:
        return PREDICTIONS.name, PREDICTIONS.version

    def external_state(self) -> Mapping[str, Any]:
        """Return the file's hash. Raises Refused if it cannot be read as a file of its kind."""
        self._digest, self._read = read_replies(self.chosen)
        return {"file": self._digest}

    def plan(self, reads: Reads) -> list[Task]:
        """Return the one task. Raises Refused if a reply is to no question of this benchmark."""
        self._matched(reads["questions"])
        return [Task("00000", {"rows": [0, reads["questions"].rows]})]

    def expected(self, reads: Reads) -> int:
        return len(self._replies())

    def setup(self, machine: Machine) -> None:
        digest, self._read = read_replies(self.chosen)
        if self._digest and digest != self._digest:
            raise Refused(f"on this machine, {self.chosen.uri} is not the file that the evaluation began with")

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        rows = [self._row(question["question_id"], reply) for question, reply in self._matched(reads["questions"])]
        table = pa.Table.from_pylist(rows, schema=PREDICTIONS.columns)
        yield Part(table, by_status(table))

    def _matched(self, questions: Manifest) -> list[tuple[Mapping[str, Any], ImportedReply]]:
        return list(matched(self._replies(), _in_words(questions), self.chosen.prompt))

    def _replies(self) -> Sequence[ImportedReply]:
        if self._read is None:
            _, self._read = read_replies(self.chosen)
        return self._read

    def _row(self, question_id: str, reply: ImportedReply) -> dict[str, Any]:
        return {
            "model": self.model,
            "question_id": question_id,
            "order": AS_WRITTEN,
            "vision": self.chosen.vision,
            "prompt": reply.prompt or "",
            "response": reply.response,
            "scores": None,
            "tokens_in": reply.tokens_in,
            "tokens_out": reply.tokens_out,
            "seconds": 0.0,  # no file says it
            "status": reply.status,
            "error": reply.error,
        }


def _in_words(questions: Manifest) -> list[dict[str, Any]]:
    """Return the questions that are asked in words, in the benchmark's order."""
    rows = [row for batch in questions.batches(COLUMNS) for row in batch.to_pylist()]
    return sorted((row for row in rows if row["question"] is not None), key=lambda row: row["place"])
