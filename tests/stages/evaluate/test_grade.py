"""The grader is asked as MMVP's script asks it (tsb0601/MMVP @7635005, scripts/gpt_grader.py), about words alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from world.evaluations import question
from world.replying import Replying, Row, evaluation, prediction

from manifests.counts import Counts
from manifests.evaluation_tables import VERDICTS
from stages.base import Machine
from stages.evaluate import grade
from stages.evaluate.grade import Grade
from stages.models.answering.base import Generation, NoReply, Question, Reply
from stages.models.answering.settings import Server

GRADER = Server(kind="openai", url="http://127.0.0.1:9/v1", model="gpt-4-0314")
OPEN = question(1, "pair", question="Is the door open or closed?")  # options Open, Closed; right: a
SYSTEM = (
    "You are a helpful and precise assistant for checking the quality of the answer. Please answer in only yes or no."
)


class Grading:
    """A grader that replies by a rule, and what it was loaded with."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.model = folder, Replying(lambda asked: Reply("yes"))
        self.generation: Generation | None = None
        monkeypatch.setattr(grade, "load", self._load)

    def _load(self, settings: Server, weights: None, generation: Generation, machine: Machine) -> Replying:
        self.generation = generation
        return self.model

    def verdicts(self, replies: Sequence[Row], *, grader: Server = GRADER, form: str = "mmvp") -> list[Row]:
        """The rows that the stage makes, each time by a new process."""
        questions = [OPEN, question(2, "pair", question="Is the door open or closed?")]
        reads = evaluation(self.folder / f"made {len(list(self.folder.iterdir()))}", questions, replies, prompt=form)
        stage = Grade("m", grader, str(self.folder / "kept"))
        stage.setup(Machine())
        [part] = [part for task in stage.plan(reads) for part in stage.process(task, reads)]
        return VERDICTS.conform(part.table).to_pylist()

    def said(self, rule: Callable[[Question], Reply | None]) -> Grading:
        self.model = Replying(rule)
        return self


@pytest.fixture
def grading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grading:
    return Grading(tmp_path, monkeypatch)


def test_it_is_asked_to_the_letter(grading: Grading) -> None:
    [row] = grading.verdicts([prediction("q00001", response="The door is open.")])
    [asked] = grading.model.asked
    assert (
        asked.words
        == row["prompt"]
        == (
            "Given the following question Is the door open or closed? (a) Open (b) Closed, the correct answer is (a). "
            "Does the following answer correctly answers the question, answer:The door is open.?"
        )
    )
    assert (asked.system, asked.image) == (SYSTEM, None)
    assert grading.generation is not None
    assert grading.generation.temperature == 0.2
    assert (row["model"], row["grader"], row["response"]) == ("m", "gpt-4-0314", "yes")
    assert (row["verdict"], row["status"], row["error"]) == ("yes", "ok", None)


def test_a_reply_is_given_without_the_white_space_around_it(grading: Grading) -> None:
    grading.verdicts([prediction("q00002", response=" Closed,\nI think.\n")])
    assert grading.model.asked[0].words.endswith("correct answer is (b). Does the following answer correctly "
                                                 "answers the question, answer:Closed,\nI think.?")  # fmt: skip


def test_options_asked_in_reverse_are_told_in_that_order(grading: Grading) -> None:
    [row] = grading.verdicts([prediction("q00001", order="reversed", response="(b)")], form="ours")
    assert row["order"] == "reversed"
    assert "closed? (a) Closed (b) Open, the correct answer is (b). Does" in row["prompt"]


@pytest.mark.parametrize(
    ("said", "verdict"),
    [("yes", "yes"), ("No", "no"), ("YES", "yes"), ("yes\n", "yes"), ("Yes.", None), (" yes", None), ("", None)],
)
def test_a_verdict_is_the_whole_reply_or_undetermined(said: str, verdict: str | None, grading: Grading) -> None:
    [row] = grading.said(lambda asked: Reply(said)).verdicts([prediction("q00001", response="(a)")])
    assert (row["verdict"], row["response"]) == (verdict, said)
    assert row["status"] == ("unparsed" if verdict is None else "ok")
    assert (row["error"] is None) == (verdict is not None)


def test_only_replies_in_words_are_graded(grading: Grading) -> None:
    rows = grading.verdicts([
        prediction("q00001", response="(a)"),
        prediction("q00001", order="reversed", response=None, scores=[-1.0, -2.0]),
        prediction("q00002", response="(", status="truncated", error="cut off"),
        prediction("q00002", order="reversed", response=None, status="failed", error="no"),
    ])  # fmt: skip
    assert [(row["question_id"], row["order"]) for row in rows] == [("q00001", "as_written")]
    assert len(grading.model.asked) == 1


def test_what_the_grader_did_not_say_keeps_its_status(grading: Grading) -> None:
    for status in ("failed", "refused", "truncated"):
        grading.said(lambda asked, status=status: Reply("yes", status, error="so it is"))  # type: ignore[misc]
        [row] = grading.verdicts([prediction("q00001", response=f"(a) {status}")])
        assert (row["verdict"], row["status"], row["error"]) == (None, status, "so it is")


def test_a_shard_without_words_has_no_rows(grading: Grading, tmp_path: Path) -> None:
    reads = evaluation(tmp_path / "e", [OPEN], [prediction("q00001", response=None, scores=[-1.0, -2.0])])
    stage = Grade("m", GRADER, str(tmp_path / "kept"))
    stage.setup(Machine())
    [part] = stage.process(stage.plan(reads)[0], reads)
    assert (part.table.num_rows, part.counts) == (0, Counts(0, 0))


BOTH = [prediction("q00001", response="(a)"), prediction("q00002", response="(b)")]


def test_kept_verdicts_are_not_asked_again(grading: Grading) -> None:
    grading.said(lambda asked: Reply("yes") if "(a)?" in asked.words else None)
    with pytest.raises(NoReply):
        grading.verdicts(BOTH)
    first = [asked.question_id for asked in grading.model.asked]
    rows = grading.said(lambda asked: Reply("no")).verdicts(BOTH)
    assert sorted(first) == ["q00001", "q00002"]
    assert [asked.question_id for asked in grading.model.asked] == ["q00002"]
    assert [row["verdict"] for row in rows] == ["yes", "no"]


@pytest.mark.parametrize("change", [{"model": "gpt-4o"}, {"url": "http://127.0.0.1:10/v1"}])
def test_another_grader_is_asked_anew(change: dict[str, str], grading: Grading) -> None:
    grading.verdicts(BOTH)
    grading.said(lambda asked: Reply("no"))
    assert [row["verdict"] for row in grading.verdicts(BOTH, grader=GRADER.model_copy(update=change))] == ["no", "no"]
    assert len(grading.model.asked) == 2


def test_a_grader_that_is_only_faster_is_the_same(grading: Grading) -> None:
    faster = GRADER.model_copy(update={"in_flight": 2, "timeout_s": 5.0, "key_variable": "MINE"})
    assert Grade("m", faster, "r").settings == Grade("m", GRADER, "r").settings
    grading.verdicts(BOTH)
    grading.said(lambda asked: Reply("no"))
    assert [row["verdict"] for row in grading.verdicts(BOTH, grader=faster)] == ["yes", "yes"]
    assert not grading.model.asked
