"""Answering: put questions to a model that answers, and turn its replies into rows of the predictions table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from manifests.evaluation_tables import FAILED, REVERSED
from manifests.storage import Folder
from manifests.tables import OK
from stages.base import Machine
from stages.evaluate.pictures import picture
from stages.evaluate.prompts import FORMS
from stages.evaluate.replies import Replies
from stages.images import ImageRefused
from stages.models.answering.base import Generation, Question, Reply, load
from stages.models.answering.settings import HOW_FAST, Answering
from stages.models.encoders.weights import Weights

Row = Mapping[str, Any]
Asked = tuple[Row, str, Question | Reply]  # a row, the order of its options, and what is asked; or why it is not


class Answerer:
    """A model that answers, set up. `replies`: the folder where replies are kept until the commit."""

    def __init__(
        self, settings: Answering, weights: Weights | None, generation: Generation, machine: Machine, replies: str
    ) -> None:
        self._settings, self._form = settings, FORMS[settings.prompt]
        self._model = load(settings, weights, generation, machine)  # type: ignore[arg-type]
        self.computed = self._model.computed
        self._kept = Replies(Folder(replies), _asked_of(settings, weights, generation))

    def predictions(self, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
        """Yield a prediction for each question and order. Raises NoReply if some have none yet; others are kept."""
        asked = [self._asked(row, order) for row in rows if row["question"] is not None for order in self._form.orders]
        likelihood = self._settings.answer == "likelihood"
        replies = self._kept.replies(self._model, [one for _, _, one in asked], likelihood=likelihood)
        for (row, order, one), reply in zip(asked, replies, strict=True):
            yield self._row(row, order, one, reply)

    def _asked(self, row: Row, order: str) -> Asked:
        options = list(row["options"])
        labels = self._form.labels(row["kind"], options)
        place = ord(row["answer"]) - ord("a")
        if order == REVERSED:
            options, place = options[::-1], len(options) - 1 - place
        try:
            image = picture(row) if self._settings.vision else None
        except ImageRefused as error:
            return row, order, Reply(None, FAILED, error=error.sentence)
        words = self._form.prompt(row["kind"], row["question"], options)
        return row, order, Question(row["question_id"], words, image, labels, labels[place])

    def _row(self, row: Row, order: str, asked: Question | Reply, reply: Reply) -> dict[str, Any]:
        return {
            "question_id": row["question_id"],
            "order": order,
            "vision": self._settings.vision,
            "prompt": asked.words if isinstance(asked, Question) else "",
            "response": reply.response,
            "scores": reply.scores,
            "tokens_in": reply.tokens_in,
            "tokens_out": reply.tokens_out,
            "seconds": reply.seconds,
            "status": reply.status,
            "error": None if reply.status == OK else reply.error,
        }


def _asked_of(settings: Answering, weights: Weights | None, generation: Generation) -> str:
    """Return what, beside the question, decides a reply: it is kept under this, and found by nothing else."""
    shown = settings.model_dump(mode="json", exclude=HOW_FAST)
    return json.dumps([shown, generation.__dict__, weights and weights.identity()], sort_keys=True)
