"""Cards: each group of questions with every model's replies, raw and as they were read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from manifests.evaluation_tables import REVERSED
from manifests.tables import OK
from pipeline.reports.leaderboard.compared import judged
from pipeline.reports.leaderboard.evaluation import Evaluation, Model
from pipeline.reports.leaderboard.facts import ABSENT, RIGHT, UNREAD, WRONG, Asked, Block, Card, Picture, Said
from pipeline.reports.leaderboard.tags import tags_of
from pipeline.reports.pages.prefetch import ahead
from pipeline.reports.pages.thumbnails import thumbnail
from stages import images
from stages.evaluate.pictures import picture
from stages.evaluate.sheets import Row
from stages.images import ImageRefused

TEXT = 1500  # characters of a reply that are shown
ANSWER = ("model", "question_id", "order", "answer", "rule", "right", "status", "error")
PREDICTION = ("question_id", "order", "response", "scores")
IMAGE = ("question_id", "uri", "offset", "length", "sha256")
Key = tuple[str, str, str]  # model, question, order


@dataclass(frozen=True, eq=False)
class Cards(Sequence[Card]):
    """The groups that are shown; thumbnails are made only when a card is accessed, and ahead of one who iterates."""

    evaluation: Evaluation
    names: Sequence[str]  # groups, in the benchmark's order
    replies: Mapping[Key, Mapping[str, Any]]
    locators: Mapping[str, Mapping[str, Any]]  # question -> where its image is

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Group -> its number in the benchmark, from 1."""
        return {name: number for number, name in enumerate(self.evaluation.groups, 1)}

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Card]:
        return ahead(self.__getitem__, len(self))

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return Cards(self.evaluation, self.names[place], self.replies, self.locators)
        name = self.names[place]
        questions = self.evaluation.groups[name]
        models = self.evaluation.models
        right = [one.all_right(name) for one in judged(models) if one.was_asked(name)]
        return Card(
            number=self.numbers[name],
            name=name,
            category=questions[0]["category"] or "",
            pictures=self._pictures(questions),
            blocks=list(self._blocks(questions)),
            tags=tags_of(models, name),
            asked=frozenset(n for n, model in enumerate(models) if model.was_asked(name)),
            judged=len(right),
            right=sum(right),
        )

    def _pictures(self, questions: Sequence[Row]) -> list[Picture]:
        shown = {one["image_id"]: one for one in questions if one["image_id"] is not None}
        return [
            Picture(place, self._thumbnail(shown[key])) for key, place in _places(questions).items() if key in shown
        ]

    def _thumbnail(self, question: Row) -> str:
        try:
            data = picture(self.locators[question["question_id"]])
            return thumbnail(images.decode(data)) if data else ""
        except ImageRefused:
            return ""  # the page says that the image is no longer there

    def _blocks(self, questions: Sequence[Row]) -> Iterator[Block]:
        places = _places(questions)
        by_words = defaultdict[tuple[Any, ...], list[Row]](list)
        for one in questions:
            by_words[one["question"], tuple(one["options"] or ())].append(one)
        for (words, options), rows in by_words.items():
            asked = [self._asked(one, places.get(one["image_id"], 0)) for one in rows]
            yield Block(words or "", options, asked)

    def _asked(self, question: Row, image: int) -> Asked:
        said = [tuple(self._said(model, question)) for model in self.evaluation.models]
        return Asked(image, question["answer"] or "", question["statement"] or "", said)

    def _said(self, model: Model, question: Row) -> Iterator[Said]:
        outcome = model.outcomes.get(question["question_id"])
        if outcome is None:
            yield Said(ABSENT, "not asked")
            return
        for order in outcome.orders:
            reply = self.replies.get((model.name, question["question_id"], order))
            yield _judged(reply, order, model.matching) if reply else Said(UNREAD, "missing")


def _places(questions: Sequence[Row]) -> dict[str, int]:
    """Return image -> its number in the group, from 1, in the benchmark's order."""
    named = [*questions[0]["images"], *(one["image_id"] for one in questions)]
    return {image: place for place, image in enumerate(dict.fromkeys(one for one in named if one is not None), 1)}


def _judged(reply: Mapping[str, Any], order: str, matching: bool) -> Said:
    mark = UNREAD if reply["status"] != OK else RIGHT if reply["right"] else WRONG
    return Said(mark, _read(reply, matching), _raw(reply, order, matching), "; ".join(_notes(reply, order)))


def _read(reply: Mapping[str, Any], matching: bool) -> str:
    if reply["status"] != OK:
        return str(reply["status"])
    if reply["answer"] is None:
        return ""  # a grader says only whether it is right
    return f"image {ord(reply['answer']) - ord('a') + 1}" if matching else f"({reply['answer']})"


def _raw(reply: Mapping[str, Any], order: str, matching: bool) -> str:
    """Return the reply's own words; or the cosine of each image; or the log-probability of each option as written."""
    if reply["scores"] is None or reply["response"] is not None:
        return bounded(reply["response"] or "")
    scores = reply["scores"][:: -1 if order == REVERSED else 1]
    names = [f"{n}" if matching else f"({chr(ord('a') + n - 1)})" for n in range(1, len(scores) + 1)]
    return "\n".join(f"{name}: {score:.4f}" for name, score in zip(names, scores, strict=True))


def _notes(reply: Mapping[str, Any], order: str) -> Iterator[str]:
    if order == REVERSED:
        yield "options reversed"
    if reply["rule"]:
        yield f"read by {reply['rule']}"
    if reply["error"]:
        yield reply["error"]


def bounded(text: str) -> str:
    """Cut a reply to a length that a person reads on a card."""
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"


def cards(evaluation: Evaluation, names: Sequence[str]) -> Cards:
    """Return the cards of these groups."""
    wanted = {one["question_id"] for name in names for one in evaluation.groups[name]}
    locators = {
        row["question_id"]: row for row in _rows(evaluation, "questions", IMAGE) if row["question_id"] in wanted
    }
    replies = {
        (row["model"], row["question_id"], row["order"]): row | {"response": None, "scores": None}
        for row in _rows(evaluation, "answers", ANSWER)
        if row["question_id"] in wanted
    }
    for model in evaluation.models:
        for row in _rows(evaluation, model.step, PREDICTION):
            if found := replies.get((model.name, row["question_id"], row["order"])):
                found.update(response=row["response"], scores=row["scores"])
    return Cards(evaluation, names, replies, locators)


def _rows(evaluation: Evaluation, step: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    return (row for batch in evaluation.manifests[step].batches(columns) for row in batch.to_pylist())
