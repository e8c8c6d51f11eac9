"""What one reply amounts to where no words are read: likelihoods, cosines, and a grader's verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from world.evaluations import question
from world.replying import Row, evaluation, prediction, read_answers, read_one, step, told

from manifests.evaluation_tables import VERDICTS
from stages.evaluate.judging import by_cosine, by_likelihood, by_verdict

ABOUT_B = question(2, "pair")  # right: b


@pytest.mark.parametrize(
    ("scores", "order", "letter"),
    [
        *[([-0.1, -3.0], "as_written", "a"), ([-0.1, -3.0], "reversed", "b"), ([-inf, -9.0], "as_written", "b")],
        *[(tie, order, None) for tie in ([-1.0, -1.0], [-inf, -inf], [nan, -1.0], [-1.0, nan], [-1.0], [])
          for order in ("as_written", "reversed")],
    ],
)  # fmt: skip
def test_of_likelihoods_the_largest_counts_and_equal_ones_are_unparsed(
    scores: list[float], order: str, letter: str | None, tmp_path: Path
) -> None:
    for reader in ("form", "ours"):
        answer = read_one(
            tmp_path / reader, ABOUT_B, reader, model={"answer": "likelihood"}, scores=scores, order=order
        )
        right = None if letter is None else letter == "b"
        rule, status = (None, "unparsed") if letter is None else ("likelihood", "ok")
        assert told(answer) == (letter, rule, right, status)


def test_three_equal_likelihoods_below_the_largest_do_not_matter() -> None:
    asked = question(1, "one", options=list("wxyz"), answer="d")
    found = by_likelihood(asked, prediction("q", scores=[-2.0, -2.0, -2.0, -1.0]))
    assert (found["answer"], found["right"]) == ("d", True)


@pytest.mark.parametrize(
    ("cosines", "place"),
    [([0.3, 0.2], 0), ([0.2, 0.3], 1), ([0.2, 0.2], 1), ([nan, 0.2], None), ([0.2, inf], None), ([0.2], None)],
)
def test_a_matching_model_chooses_the_nearest_image_and_of_equal_ones_the_last(
    cosines: list[float], place: int | None, tmp_path: Path
) -> None:
    asked = question(1, "pair", image_id="x", images=["x", "y"], statement="it")
    model = {"kind": "open_clip", "prompt": None}
    answer = read_one(tmp_path, asked, "cambrian", model=model, scores=cosines)
    assert answer["status"] == ("unparsed" if place is None else "ok")
    assert answer["right"] is (None if place is None else place == 0)
    assert answer["answer"] == (None if place is None else "ab"[place])
    assert by_cosine(asked | {"image_id": "y"}, {"scores": cosines})["right"] is (None if place is None else place == 1)


def verdict(**more: Any) -> Row:
    known = {"model": "m", "question_id": "q00002", "order": "as_written", "grader": "g", "prompt": "p"}
    return dict.fromkeys(VERDICTS.columns.names) | known | {"status": "ok"} | more


def graded(folder: Path, *verdicts: Row, reader: str = "form", **reply: Any) -> Row:
    """The answer to a reply that a grader judged."""
    reads = evaluation(folder, [ABOUT_B], [prediction("q00002", **({"response": "(a)"} | reply))], prompt="mmvp")
    [answer] = read_answers({**reads, "verdicts-m": step(folder / "verdicts-m", VERDICTS, verdicts)}, reader)
    return answer


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        ({"verdict": "yes"}, (None, "grader", True, "ok")),
        ({"verdict": "no"}, (None, "grader", False, "ok")),
        ({"verdict": None, "status": "unparsed"}, (None, None, None, "unparsed")),
        ({"verdict": None, "status": "failed", "error": "it broke"}, (None, None, None, "failed")),
        ({"verdict": None, "status": "truncated", "error": "cut off"}, (None, None, None, "truncated")),
        ({"verdict": None, "status": "refused", "error": "will not"}, (None, None, None, "refused")),
        ({"verdict": "yes", "order": "reversed"}, (None, None, None, "failed")),
    ],
)
def test_a_graders_verdict_decides_and_what_it_left_open_is_wrong(
    judged: Mapping[str, Any], expected: tuple[Any, ...], tmp_path: Path
) -> None:
    answer = graded(tmp_path, verdict(**judged))
    assert told(answer) == expected
    if expected[-1] != "ok":
        assert "grader" in answer["error"]


def test_a_named_reader_reads_words_that_a_grader_judged(tmp_path: Path) -> None:
    assert told(graded(tmp_path, verdict(verdict="yes"), reader="ours")) == ("a", "letter", False, "ok")


def test_nobody_grades_likelihoods_and_failed_calls(tmp_path: Path) -> None:
    for place, (reply, expected) in enumerate((
        ({"response": None, "scores": [-2.0, -1.0]}, ("b", "likelihood", True, "ok")),
        ({"response": None, "status": "failed", "error": "no"}, (None, None, None, "failed")),
    )):  # fmt: skip
        assert told(graded(tmp_path / str(place), **reply)) == expected


def test_a_reply_the_grader_never_saw_is_failed_not_wrong() -> None:
    found = by_verdict(None)
    assert (found["status"], found["right"]) == ("failed", None)
