"""Grade: a language model judges replies, yes or no, by the protocol of MMVP's own script.

Source: tsb0601/MMVP, scripts/gpt_grader.py: the prompt has the question with its options, the right answer, and the
reply. Only a whole reply of yes or no counts, in any case: "Yes." is neither. What differs: a failed call is not asked
again for ever, a reply of a model that is no reply in words is not graded, and "yes" with one line break after it is a
yes: the script's pattern takes it too, but what compares it with "yes" then does not. A reply is given to the grader
without the white space around it, as evaluate_mllm.py writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from manifests.counts import by_status
from manifests.evaluation_tables import REVERSED, UNPARSED, VERDICTS
from manifests.schema import Schema
from manifests.shard import Part
from manifests.storage import Folder
from manifests.tables import OK
from stages.base import Machine, Reads, Stage, Task
from stages.evaluate.prompts import bracketed, mmvp_words
from stages.evaluate.replies import Replies
from stages.evaluate.sheets import PREDICTIONS_STEP, questions_by_id
from stages.models.answering.base import AnsweringModel, Generation, Question, Reply, load
from stages.models.answering.server import check_server
from stages.models.answering.settings import Server, settings_shown

SYSTEM = (
    "You are a helpful and precise assistant for checking the quality of the answer. Please answer in only yes or no."
)
GENERATION = Generation(max_tokens=1024, temperature=0.2)  # the script leaves the length to the server
VERSION = 1  # raised when the grader is asked in other words
VERDICT_WORDS = ("yes", "no")
PREDICTION = ("model", "question_id", "order", "response", "status")
QUESTION = ("question_id", "question", "options", "answer")


class Grade(Stage):
    """The questions and one model's predictions in, a verdict on each reply in words out."""

    name = "grade"
    unit = "replies"

    def __init__(self, model: str, grader: Server, replies: str) -> None:
        """`model`: whose replies are judged; `replies`: the folder where verdicts are kept until the commit."""
        self.model, self.grader, self._replies = model, grader, replies
        self._asked: tuple[AnsweringModel, Replies] | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        shown = settings_shown(self.grader, include={"kind", "url", "model"})
        return {"grader": {**shown, "version": VERSION, "temperature": GENERATION.temperature}}

    def external_state(self) -> Mapping[str, Any]:
        check_server(self.grader)
        return {}

    def schema(self) -> Schema:
        return VERDICTS

    def table(self) -> tuple[str, int]:
        return VERDICTS.name, VERDICTS.version

    def plan(self, reads: Reads) -> list[Task]:
        return [Task(shard.name) for shard in reads[PREDICTIONS_STEP + self.model].shards]

    def computed(self) -> str:
        return self._asked[0].computed if self._asked else ""

    def setup(self, machine: Machine) -> None:
        model = load(self.grader, None, GENERATION, machine)
        self._asked = model, Replies(Folder(self._replies), str(self.settings))

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        assert self._asked is not None, "setup comes first"
        model, kept = self._asked
        rows = reads[PREDICTIONS_STEP + self.model].read(task.name, PREDICTION).to_pylist()
        said = [row for row in rows if row["status"] == OK and row["response"] is not None]
        questions = questions_by_id(reads["questions"], {row["question_id"] for row in said}, QUESTION)
        asked = [_asked(questions[row["question_id"]], row) for row in said]
        replies = kept.replies(model, asked)
        verdicts = [
            {"model": self.model, "grader": self.grader.model, **_verdict(row, question, reply)}
            for row, question, reply in zip(said, asked, replies, strict=True)
        ]
        table = pa.Table.from_pylist(verdicts, schema=VERDICTS.columns)
        yield Part(table, by_status(table))


def verdict_of(reply: str) -> str | None:
    """Return yes or no if that is the grader's whole reply, in any case; one line break may follow it."""
    word = reply.removesuffix("\n").lower()
    return word if word in VERDICT_WORDS else None


def _asked(question: Mapping[str, Any], row: Mapping[str, Any]) -> Question:
    """Put a reply to the grader as MMVP's script does; the options in the order in which the model was asked."""
    options, place = list(question["options"]), ord(question["answer"]) - ord("a")
    if row["order"] == REVERSED:
        options, place = options[::-1], len(options) - 1 - place
    right = bracketed(chr(ord("A") + place))
    words = (
        f"Given the following question {mmvp_words(question['question'], options)}, the correct answer is {right}. "
        f"Does the following answer correctly answers the question, answer:{row['response'].strip()}?"
    )
    return Question(row["question_id"], words, None, ("yes", "no"), "yes", SYSTEM)


def _verdict(row: Mapping[str, Any], asked: Question, reply: Reply) -> dict[str, Any]:
    """Return what the verdict's row says of the grader's reply."""
    known = {name: row[name] for name in ("question_id", "order")}
    known |= {"prompt": asked.words, "response": reply.response}
    if reply.status != OK:
        return {**known, "verdict": None, "status": reply.status, "error": reply.error}
    verdict = verdict_of(reply.response or "")
    if verdict is None:
        return {**known, "verdict": None, "status": UNPARSED, "error": "the whole reply is neither yes nor no"}
    return {**known, "verdict": verdict, "status": OK, "error": None}
