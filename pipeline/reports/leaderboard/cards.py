"""Cards: each group of questions with every model's replies, raw and as they were read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from manifests.evaluation_tables import REVERSED
from manifests.tables import OK
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
        right = {n for n, model in enumerate(models) if _all_right(model, name)}
        return Card(
            number=self.numbers[name],
            name=name,
            category=questions[0]["category"] or "",
            pictures=self._pictures(questions),
            blocks=list(self._blocks(questions)),
            tags=tags_of(models, name),
            right=frozenset(right),
            asked=frozenset(n for n, model in enumerate(models) if name in model.sheet.groups),
        )

    def _pictures(self, questions: Sequence[Row]) -> list[Picture]:
        shown = {one["image_id"]: one for one in questions if one["image_id"] is not None}
        return [Picture(key, self._thumbnail(one)) for key, one in shown.items()]

    def _thumbnail(self, question: Row) -> str:
        try:
            data = picture(self.locators[question["question_id"]])
            return thumbnail(images.decode(data)) if data else ""
        except ImageRefused:
            return ""  # the page says that the image is no longer there

    def _blocks(self, questions: Sequence[Row]) -> Iterator[Block]:
        places = {image: n for n, image in enumerate(dict.fromkeys(one["image_id"] for one in questions), 1)}
        by_words = defaultdict[tuple[Any, ...], list[Row]](list)
        for one in questions:
            by_words[one["question"], tuple(one["options"] or ())].append(one)
        for (words, options), rows in by_words.items():
            asked = [self._asked(one, places[one["image_id"]] if one["image_id"] is not None else 0) for one in rows]
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
            yield _judged(reply, order) if reply else Said(UNREAD, "missing")


def _all_right(model: Model, group: str) -> bool:
    return all(one.right for one in model.sheet.groups.get(group, ())) and group in model.sheet.groups


def _judged(reply: Mapping[str, Any], order: str) -> Said:
    mark = UNREAD if reply["status"] != OK else RIGHT if reply["right"] else WRONG
    if reply["scores"] is not None and reply["response"] is None:
        raw = "  ".join(f"{one:.4f}" for one in reply["scores"])
    else:
        raw = bounded(reply["response"] or "")
    read = reply["answer"] or ("" if reply["status"] == OK else reply["status"])
    notes = ["options reversed"] if order == REVERSED else []
    notes += [f"read by {reply['rule']}"] if reply["rule"] else []
    notes += [reply["error"]] if reply["error"] else []
    return Said(mark, read, raw, "; ".join(notes))


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
