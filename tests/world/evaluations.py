"""Evaluations made by hand and quickly: questions about drawn pairs, models that reply by a rule, and their answers."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from world.committed import committed

from manifests.evaluation_tables import ANSWERS, AS_WRITTEN, ASKED, CHOICE, PREDICTIONS, REVERSED
from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.drawing.scenes import PATTERNS, Scene, scene
from stages.evaluate.scores import Score

Row = dict[str, Any]
Reply = Mapping[str, Any]  # columns of an answer and its prediction
Rule = Callable[[Row, str, random.Random], Reply]  # a question and the order of its options in, a reply out
DRAWN = 5000  # scenes of the stream that pairs are taken from


def question(number: int, group: str, **more: Any) -> Row:
    """A row of the asked table, about an image of which no bytes are known."""
    known = {"question_id": f"q{number:05d}", "place": number, "group": group, "kind": CHOICE, "images": []}
    words = {"question": "Open or closed?", "options": ["Open", "Closed"], "answer": "ab"[(number - 1) % 2]}
    return dict.fromkeys(ASKED.columns.names) | known | words | more


def pairs(count: int, categories: Sequence[str | None] = (None,)) -> list[Row]:
    """Questions of so many pairs: the same words of two images, with opposite answers."""
    return [
        question(
            2 * place + side + 1,
            f"pair {place}",
            category=categories[place % len(categories)],
            image_id=f"image {2 * place + side}",
            images=[f"image {2 * place}", f"image {2 * place + 1}"],
            statement=f"a thing {'ab'[side]} {place}",
        )
        for place in range(count)
        for side in (0, 1)
    ]


@cache
def _drawn(pattern: str, number: int, side: str) -> Scene:
    return scene(f"{pattern}-{number:03}-{side}", DRAWN, 2024)


def drawn_pairs(folder: Path, count: int) -> list[Row]:
    """Questions about so many planted pairs of drawn scenes, whose files are written to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for place in range(count):
        pattern, number = PATTERNS[place % len(PATTERNS)], place // len(PATTERNS)
        both = [_drawn(pattern, number, side) for side in "ab"]
        options = [one.caption for one in both][:: 1 if place % 3 else -1]
        for one in both:
            path = folder / f"{one.key}.jpg"
            path.write_bytes(one.data)
            rows.append(
                question(
                    len(rows) + 1,
                    f"pair {place + 1}",
                    category=pattern,
                    image_id=one.key,
                    images=[two.key for two in both],
                    uri=str(path),
                    offset=0,
                    length=len(one.data),
                    sha256=hashlib.sha256(one.data).hexdigest(),
                    question="What does the picture show?",
                    options=options,
                    answer="ab"[options.index(one.caption)],
                    statement=one.caption,
                )
            )
    return rows


def chooses(letter: str, question: Row) -> Reply:
    """A reply that is read as this letter."""
    option = question["options"][ord(letter) - ord("a")]
    return {"answer": letter, "rule": "letter", "status": "ok", "response": f"({letter}) {option}"}


def oracle(question: Row, order: str, coin: random.Random) -> Reply:
    return chooses(question["answer"], question)


def always_a(question: Row, order: str, coin: random.Random) -> Reply:
    return chooses("a" if order == AS_WRITTEN else chr(ord("a") + len(question["options"]) - 1), question)


def fair_coin(question: Row, order: str, coin: random.Random) -> Reply:
    return chooses(coin.choice("abcdefgh"[: len(question["options"])]), question)


def right_with(share: float) -> Rule:
    """A model that is right about so many questions."""

    def rule(question: Row, order: str, coin: random.Random) -> Reply:
        others = [letter for letter in "abcdefgh"[: len(question["options"])] if letter != question["answer"]]
        return chooses(question["answer"] if coin.random() < share else coin.choice(others), question)

    return rule


def without(status: str, error: str = "it gave no reason") -> Reply:
    """A reply that chooses nothing."""
    return {"status": status, "error": error, "response": None if status == "failed" else "Hmm."}


def matches(cosines: Mapping[str, Sequence[float]]) -> Rule:
    """A model that matches, with these cosines of each question's statement with the images of its group."""

    def rule(question: Row, order: str, coin: random.Random) -> Reply:
        scores = list(cosines[question["question_id"]])
        nearest = int(np.argmax(scores))
        is_right = nearest == question["images"].index(question["image_id"])
        read = {"answer": "abcdefgh"[nearest], "right": is_right, "rule": "cosine"}
        return {"scores": scores, "status": "ok", "prompt": question["statement"], **read}

    return rule


def near_cosines(questions: Iterable[Row], share: float, seed: int = 0) -> dict[str, list[float]]:
    """Cosines of which so many are higher for the statement's own image."""
    dice, found = random.Random(seed), {}
    for one in questions:
        low = dice.uniform(0.2, 0.3)
        own, other = (low + 0.01, low) if dice.random() < share else (low, low + 0.01)
        found[one["question_id"]] = [own if image == one["image_id"] else other for image in one["images"]]
    return found


class Evaluated:
    """An evaluation's folder that is made model by model."""

    def __init__(self, folder: Path, questions: Sequence[Row]) -> None:
        self.folder, self.questions = folder, list(questions)
        self._answers: list[Row] = []
        self.predictions: dict[str, Manifest] = {}
        table = pa.Table.from_pylist(self.questions, schema=ASKED.columns)
        self.asked = committed(folder / "questions", ASKED, table)

    def model(self, name: str, rule: Rule, *, both_orders: bool = False, **settings: Any) -> Evaluated:
        """Have a model reply to every question. `settings`: as the lineage of its predictions has them."""
        known = {"name": name, "kind": "openai", "prompt": "letter", "vision": True, "answer": "text"} | settings
        orders = (AS_WRITTEN, REVERSED) if both_orders else (AS_WRITTEN,)
        coin = random.Random(name)
        made = [(one, order, rule(one, order, coin)) for one in self.questions for order in orders]
        made = [one for one in made if one[2]]  # an empty reply is none at all
        rows = [_prediction(name, known["vision"], *one) for one in made]
        table = pa.Table.from_pylist(rows, schema=PREDICTIONS.columns)
        self.predictions[name] = committed(self.folder / f"predictions-{name}", PREDICTIONS, table, model=known)
        self._answers += [_answer(name, *one) for one in made]
        return self

    def matching(self, name: str, cosines: Mapping[str, Sequence[float]]) -> Evaluated:
        """Have a model match every statement."""
        return self.model(name, matches(cosines), kind="open_clip", prompt=None, model="ViT-L-14")

    def scored(self) -> Folder:
        """Write answers and scores; the folder."""
        answers = committed(
            self.folder / "answers", ANSWERS, pa.Table.from_pylist(self._answers, schema=ANSWERS.columns)
        )
        reads = {"questions": self.asked, "answers": answers}
        reads |= {f"predictions-{name}": one for name, one in self.predictions.items()}
        stage = Score()
        [task] = stage.plan(reads)
        [part] = stage.process(task, reads)
        assert part.counts.seen == stage.expected(reads)
        committed(self.folder / "scores", stage.schema(), part.table)
        return Folder(str(self.folder))


def _prediction(name: str, vision: bool, question: Row, order: str, reply: Reply) -> Row:
    known = {"prompt": question["question"] or "", "response": None, "scores": None, "seconds": 0.1}
    more = {name: reply[name] for name in ("prompt", "response", "scores") if name in reply}
    status = reply["status"] if reply["status"] != "unparsed" else "ok"
    told = {"status": status, "error": reply.get("error") if status != "ok" else None}
    named = {"model": name, "question_id": question["question_id"], "order": order, "vision": vision}
    return dict.fromkeys(PREDICTIONS.columns.names) | named | known | more | told


def _answer(name: str, question: Row, order: str, reply: Reply) -> Row:
    copied = {column: question[column] for column in ("question_id", "group", "category", "source")}
    chosen = reply.get("answer")
    is_right = reply.get("right", chosen == question["answer"]) if reply["status"] == "ok" else None
    read = {"answer": chosen, "rule": reply.get("rule"), "right": is_right}
    return {"model": name, "order": order, **copied, **read, "status": reply["status"], "error": reply.get("error")}


def figures(folder: Folder) -> dict[tuple[str, str, str], Row]:
    """(model, category, metric) -> the row of the scores."""
    manifest = Manifest.open(folder / "scores")
    rows = [row for batch in manifest.batches(manifest.columns) for row in batch.to_pylist()]
    return {(row["model"], row["category"], row["metric"]): row for row in rows}
