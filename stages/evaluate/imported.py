"""Imported: the replies that another program got from a model, as predictions, in place of asking it.

They are matched with the questions by number, and by the words where the file shows them: a file of another version of
the questions is refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from manifests.counts import by_status
from manifests.errors import Refused
from manifests.evaluation_tables import AS_WRITTEN, FAILED, PREDICTIONS
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part
from manifests.stores.places import absolute
from manifests.tables import OK
from stages.base import Machine, Reads, Stage, Task
from stages.evaluate.files import refused_if_unreadable, sha256_of
from stages.evaluate.imports import lmms_eval, mmvp, vlmevalkit
from stages.evaluate.imports.base import ANOTHER, Found, Reader
from stages.evaluate.settings import Imported

READERS: Mapping[str, Reader] = {
    "lmms-eval-log": lmms_eval.read,
    "vlmevalkit-table": vlmevalkit.read,
    "mmvp-answers": mmvp.read,
}
FORMS = {"lmms-eval-log": "lmms-eval", "vlmevalkit-table": "vlmevalkit", "mmvp-answers": "mmvp"}  # of the prompt
COLUMNS = ("question_id", "place", "question", "options")


class ImportedPredictions(Stage):
    """The asked questions in, the predictions that a file holds out."""

    name = "import"
    unit = "questions"

    def __init__(self, model: str, settings: Imported) -> None:
        """`model`: what the evaluation calls it."""
        self.model, self.chosen = model, settings
        self._uri = absolute(settings.file)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the replies are to. Where the file lies changes none of them and is left out."""
        shown = self.chosen.model_dump(mode="json", exclude={"file"})
        form = self.chosen.prompt or FORMS[self.chosen.kind]
        return {"model": {"name": self.model, **shown, "prompt": form}}

    def schema(self) -> Schema:
        return PREDICTIONS

    def table(self) -> tuple[str, int]:
        return PREDICTIONS.name, PREDICTIONS.version

    def external_state(self) -> Mapping[str, Any]:
        """Return the file's hash. Raises Refused if it cannot be read."""
        with refused_if_unreadable(self._uri, "a file of replies", ANOTHER):
            return {"sha256": sha256_of(self._uri)}

    def plan(self, reads: Reads) -> list[Task]:
        """Return one task. Raises Refused if the replies are not those to these questions."""
        self._predictions(reads["questions"])
        return [Task("00000")]

    def setup(self, machine: Machine) -> None:
        """Nothing is loaded."""

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        table = pa.Table.from_pylist(self._predictions(reads["questions"]), schema=PREDICTIONS.columns)
        yield Part(table, by_status(table))

    def _predictions(self, asked: Manifest) -> list[dict[str, Any]]:
        """Return a prediction for each question that the file has a reply to, in the benchmark's order."""
        rows = (row for batch in asked.batches(COLUMNS) for row in batch.to_pylist())
        questions = sorted((row for row in rows if row["question"] is not None), key=lambda row: row["place"])
        replies: dict[int, Found] = {}
        for found in READERS[self.chosen.kind](self._uri):
            self._check(found, questions, replies)
            replies[found.number] = found
        if not replies:
            raise Refused(f"{self._uri} holds no reply; name the file that {self.chosen.kind} stands for")
        return [self._row(questions[number - 1], found) for number, found in sorted(replies.items())]

    def _check(self, found: Found, questions: list[dict[str, Any]], replies: Mapping[int, Found]) -> None:
        """Raise Refused unless this is the first reply to a question that is there, in these words."""
        if not 1 <= found.number <= len(questions):
            raise Refused(
                f"{found.where} is a reply to question {found.number} of {len(questions)}; it is of another benchmark, "
                "or of another version of the questions"
            )
        if not found.same(questions[found.number - 1]):
            raise Refused(
                f"{found.where} is a reply to other words than question {found.number} has now; evaluate the version "
                "of the questions that was exported"
            )
        if found.number in replies:
            raise Refused(
                f"{found.where} and {replies[found.number].where} are both replies to question {found.number}; keep "
                "those of one run"
            )

    def _row(self, question: Mapping[str, Any], found: Found) -> dict[str, Any]:
        status = OK if found.failed is None else FAILED
        known = {"model": self.model, "question_id": question["question_id"], "order": AS_WRITTEN}
        words = {"prompt": found.prompt, "response": None if found.failed else found.response}
        told = {"vision": self.chosen.vision, "seconds": 0.0, "status": status, "error": found.failed}
        return dict.fromkeys(PREDICTIONS.columns.names) | known | words | told
