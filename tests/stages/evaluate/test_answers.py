"""What a reply amounts to: read by rules, by likelihood, by cosine or by a grader, and never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from world.committed import committed
from world.evaluations import Evaluated, matches, oracle, pairs

from manifests.errors import Refused
from manifests.evaluation_tables import ASKED, PREDICTIONS, REVERSED, VERDICTS
from manifests.manifest import Manifest
from stages.evaluate.answers import ReadAnswers
from stages.evaluate.judging import by_cosine, by_likelihood, by_verdict, by_words

OPTIONS = {"kind": "choice", "options": ["Open", "Closed"], "answer": "b"}
QUESTION = {"question_id": "q", **OPTIONS, "images": ["x", "y"], "image_id": "y"}


def reply(**more: Any) -> dict[str, Any]:
    return {"question_id": "q", "order": "as_written", "response": None, "scores": None} | more


@pytest.mark.parametrize(
    ("order", "said", "letter", "is_right"),
    [
        ("as_written", "B", "b", True),
        ("as_written", "A", "a", False),
        (REVERSED, "A", "b", True),
        (REVERSED, "B", "a", False),
    ],
)
def test_a_letter_is_that_of_the_order_in_which_the_model_was_asked(
    order: str, said: str, letter: str, is_right: bool
) -> None:
    found = by_words(QUESTION, reply(order=order, response=said), "letter", "cambrian")
    assert (found["answer"], found["right"], found["status"]) == (letter, is_right, "ok")


def test_words_that_choose_nothing_are_unparsed_and_neither_right_nor_wrong() -> None:
    found = by_words(QUESTION, reply(response="Hard to say."), "letter", "ours")
    assert (found["answer"], found["right"], found["status"]) == (None, None, "unparsed")
    assert found["error"] == "the rules of ours read no option in it"


@pytest.mark.parametrize(
    ("scores", "order", "letter"),
    [
        ((-0.1, -3.0), "as_written", "a"),
        ((-0.1, -3.0), REVERSED, "b"),
        ((-inf, -9.0), "as_written", "b"),
        ((-1.0, -1.0), "as_written", None),
        ((-inf, -inf), "as_written", None),
    ],
)
def test_the_most_probable_option_counts_and_a_tie_is_unparsed(scores: tuple, order: str, letter: str | None) -> None:
    found = by_likelihood(QUESTION, reply(scores=scores, order=order))
    assert found["answer"] == letter
    assert found["status"] == ("unparsed" if letter is None else "ok")


@pytest.mark.parametrize(("cosines", "is_right"), [((0.2, 0.3), True), ((0.3, 0.2), False), ((0.3, 0.3), True)])
def test_the_nearest_image_counts_and_a_tie_goes_to_the_last(cosines: tuple, is_right: bool) -> None:
    assert by_cosine(QUESTION, reply(scores=cosines))["right"] == is_right


@pytest.mark.parametrize(
    ("verdict", "right", "status", "rule"),
    [
        ({"verdict": "yes", "status": "ok", "error": None}, True, "ok", "grader"),
        ({"verdict": "no", "status": "ok", "error": None}, False, "ok", "grader"),
        ({"verdict": None, "status": "unparsed", "error": "neither"}, False, "ok", "grader_undetermined"),
        ({"verdict": None, "status": "failed", "error": "500"}, None, "failed", None),
        (None, None, "failed", None),
    ],
)
def test_a_graders_verdict_decides_and_what_it_left_open_is_wrong_as_in_mmvps_script(
    verdict: Mapping[str, Any] | None, right: bool | None, status: str, rule: str | None
) -> None:
    found = by_verdict(verdict)
    assert (found["right"], found["status"], found["rule"]) == (right, status, rule)


def rows(stage: ReadAnswers, reads: Mapping[str, Manifest]) -> list[dict[str, Any]]:
    return [row for task in stage.plan(reads) for part in stage.process(task, reads) for row in part.table.to_pylist()]


def predictions(
    folder: Path, statuses: Sequence[str], response: str, **settings: Any
) -> Iterator[tuple[str, Manifest]]:
    questions = [one | {"place": n} for n, one in enumerate(pairs(len(statuses)), 1)][: len(statuses)]
    known = {"model": "m", "order": "as_written", "vision": True, "prompt": "?", "seconds": 0.0}
    made = [
        dict.fromkeys(PREDICTIONS.columns.names) | known | {"question_id": one["question_id"], "status": status}
        | {"response": None if status == "failed" else response, "error": None if status == "ok" else f"it {status}"}
        for one, status in zip(questions, statuses, strict=True)
    ]  # fmt: skip
    yield "questions", committed(folder / "questions", ASKED, pa.Table.from_pylist(questions, schema=ASKED.columns))
    table = pa.Table.from_pylist(made, schema=PREDICTIONS.columns)
    yield "predictions-m", committed(folder / "predictions-m", PREDICTIONS, table, model={"name": "m", **settings})


def test_replies_that_were_refused_cut_off_or_failed_are_never_read(tmp_path: Path) -> None:
    reads = dict(predictions(tmp_path, ["ok", "refused", "truncated", "failed"], "A", kind="openai", prompt="letter"))
    found = rows(ReadAnswers(), reads)
    assert [row["status"] for row in found] == ["ok", "refused", "truncated", "failed"]
    assert [row["answer"] for row in found] == ["a", None, None, None]
    assert [row["error"] for row in found] == [None, "it refused", "it truncated", "it failed"]
    assert [row["right"] is None for row in found] == [False, True, True, True]


def test_other_rules_read_the_same_replies_otherwise_and_the_lineage_says_which(tmp_path: Path) -> None:
    reads = dict(predictions(tmp_path, ["ok"], "The answer is: B", kind="openai", prompt="letter"))
    assert rows(ReadAnswers(), reads)[0]["status"] == "unparsed"  # Cambrian's rules keep the colon
    assert rows(ReadAnswers("ours"), reads)[0]["answer"] == "b"
    assert ReadAnswers("ours").settings == {"reading": {"reader": "ours", "versions": {"ours": 1}}}
    assert set(ReadAnswers().settings["reading"]["versions"]) == {"ours", "cambrian", "lmms-eval", "vlmevalkit", "pope"}
    with pytest.raises(Refused, match="did you mean cambrian"):
        ReadAnswers("cambrain")


def test_where_a_grader_was_asked_its_verdict_stands_in_place_of_the_words(tmp_path: Path) -> None:
    reads = dict(predictions(tmp_path, ["ok", "ok"], "B", kind="openai", prompt="mmvp"))
    ids = [row["question_id"] for row in reads["predictions-m"].read("00000").to_pylist()]
    known = {"model": "m", "order": "as_written", "grader": "g", "prompt": "?", "response": "yes", "status": "ok"}
    graded = [
        {**known, "question_id": one, "verdict": verdict, "error": None}
        for one, verdict in zip(ids, ("yes", "no"), strict=True)
    ]
    table = pa.Table.from_pylist(graded, schema=VERDICTS.columns)
    reads["verdicts-m"] = committed(tmp_path / "verdicts-m", VERDICTS, table)
    assert [(row["right"], row["rule"]) for row in rows(ReadAnswers(), reads)] == [(True, "grader"), (False, "grader")]


def test_models_that_answer_and_those_that_match_are_read_side_by_side(tmp_path: Path) -> None:
    questions = pairs(2)
    own = {one["question_id"]: [float(image == one["image_id"]) for image in one["images"]] for one in questions}
    made = (
        Evaluated(tmp_path, questions)
        .model("m", oracle, prompt="mmvp")
        .model("c", matches(own), kind="clip", prompt=None)
    )
    reads = {"questions": made.asked} | {f"predictions-{name}": one for name, one in made.predictions.items()}
    found = rows(ReadAnswers(), reads)
    assert {(row["model"], row["right"]) for row in found} == {("m", True), ("c", True)}
    assert len(found) == ReadAnswers().expected(reads) == 8
