"""Predict: one model's reply to each question. One task asks a stretch of the questions and makes one shard.

A model that answers is given an image and a question, each in a conversation of its own (answering.py). A model that
matches is given a group's images and the statement that is true of one of them (matching.py). What was replied is kept
as soon as it is known (replies.py), so that a task that was stopped asks only the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from manifests.counts import Counts, by_status
from manifests.errors import Refused
from manifests.evaluation_tables import PREDICTIONS
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part
from stages.base import Machine, Reads, Stage, Task
from stages.evaluate.answering import Answerer
from stages.evaluate.matching import Matcher
from stages.evaluate.prompts import FORMS
from stages.evaluate.settings import AskedSettings
from stages.evaluate.stretches import stretches
from stages.models.answering import checkpoints as answering_checkpoints
from stages.models.answering.base import Generation
from stages.models.answering.server import check_server
from stages.models.answering.settings import Answering, BuiltIn, Checkpoint, Server, settings_shown
from stages.models.encoders.weights import Weights
from stages.models.matching import checkpoints as matching_checkpoints

KEPT, ASKED_LOCALLY = 1024, 64  # questions of a task: a long one costs nothing where each reply is kept
LIBRARIES_BYTES = 1 << 30  # torch and related libraries
COLUMNS = (
    *("question_id", "group", "kind", "image_id", "images", "uri", "offset", "length", "sha256"),
    *("question", "options", "answer", "statement"),
)


class Predict(Stage):
    """The asked questions in, one model's predictions out."""

    name = "predict"
    unit = "questions"

    def __init__(self, model: str, settings: AskedSettings, replies: str) -> None:
        """`model`: what the evaluation calls it; `replies`: the folder where replies are kept until the commit."""
        self.model, self.chosen, self._replies = model, settings, replies
        self.gpus = 0.0 if isinstance(settings, BuiltIn | Server) else 1.0
        self._hashes: dict[str, str] = {}
        self._bytes = 0
        self._asker: Answerer | Matcher | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """What was asked of whom. How fast, and for how much money, changes no reply and is left out."""
        shown = settings_shown(self.chosen)
        if not isinstance(self.chosen, Answering):
            return {"model": {"name": self.model, **shown}}
        form, how = FORMS[self.chosen.prompt], generation_of(self.chosen)
        asked = {"max_tokens": how.max_tokens, "temperature": how.temperature, "form": form.version}
        return {"model": {"name": self.model, **shown, **asked}}

    def schema(self) -> Schema:
        return PREDICTIONS

    def table(self) -> tuple[str, int]:
        return PREDICTIONS.name, PREDICTIONS.version

    def external_state(self) -> Mapping[str, Any]:
        """Return the hashes of the model's weights. Raises Refused if they are not there or not fit for use."""
        if isinstance(self.chosen, Server):
            check_server(self.chosen)
        if (weights := weights_of(self.chosen)) is None:
            return {}
        self._hashes, self._bytes = weights.identity(), weights.bytes
        return {"weights": self._hashes}

    def plan(self, reads: Reads) -> list[Task]:
        """Return stretches of the questions, none of which ends inside a group."""
        most = KEPT if isinstance(self.chosen, BuiltIn | Server) else ASKED_LOCALLY
        return [
            Task(f"{number:05d}", {"rows": [start, stop]})
            for number, (start, stop) in enumerate(stretches(_groups(reads["questions"]), most))
        ]

    def worker_bytes(self) -> int:
        return 2 * self._bytes + LIBRARIES_BYTES

    def computed(self) -> str:
        return self._asker.computed if self._asker else ""

    def setup(self, machine: Machine) -> None:
        weights = weights_of(self.chosen)
        if weights is not None and self._hashes and weights.identity() != self._hashes:
            raise Refused(f"on this machine, {self.model} does not have the weights that the evaluation began with")
        if isinstance(self.chosen, Answering):
            self._asker = Answerer(self.chosen, weights, generation_of(self.chosen), machine, self._replies)
        elif weights is not None:
            self._asker = Matcher(self.chosen, weights, machine)

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        assert self._asker is not None, "setup comes first"
        start, stop = task.facts["rows"]
        rows = _rows(reads["questions"])[start:stop]
        predictions = [{"model": self.model, **row} for row in self._asker.predictions(rows)]
        table = pa.Table.from_pylist(predictions, schema=PREDICTIONS.columns)
        aside = self._asker.aside(rows) if isinstance(self._asker, Matcher) else {}
        yield Part(table, by_status(table) + Counts(aside=aside))


def generation_of(settings: Answering) -> Generation:
    """Return how replies are generated: as the prompt form has it, unless the recipe says otherwise."""
    own = FORMS[settings.prompt].generation
    return Generation(
        own.max_tokens if settings.max_tokens is None else settings.max_tokens,
        own.temperature if settings.temperature is None else settings.temperature,
        settings.seed,
    )


def weights_of(settings: AskedSettings) -> Weights | None:
    """Find and check the weights a model will load; None for a model without. Raises Refused if they are not usable."""
    if isinstance(settings, Checkpoint):
        return answering_checkpoints.weights_of(settings)
    if isinstance(settings, Answering):
        return None
    return matching_checkpoints.weights_of(settings)


def _rows(questions: Manifest) -> list[dict[str, Any]]:
    return [row for batch in questions.batches(COLUMNS) for row in batch.to_pylist()]


def _groups(questions: Manifest) -> list[str]:
    return [value for batch in questions.batches(("group",)) for value in batch.column(0).to_pylist()]
