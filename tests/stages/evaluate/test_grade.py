"""A grader is asked in the words of MMVP's script, and only a whole yes or no counts. No reply is graded twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from world.committed import committed

from manifests.errors import BlindpairsError
from manifests.evaluation_tables import ASKED, PREDICTIONS, REVERSED
from manifests.manifest import Manifest
from manifests.storage import Folder
from stages.base import Machine
from stages.evaluate import grade
from stages.evaluate.grade import Grade
from stages.evaluate.replies import Replies, drop_replies
from stages.models.answering.base import NoReply, Question, Reply
from stages.models.answering.settings import Server

GRADER = Server(kind="openai", url="http://127.0.0.1:9/v1", model="g")


class Judge:
    """An answering model that says what it is given to say, in turn; at `fails` it has no reply."""

    computed = "judge, today"

    def __init__(self, says: Sequence[str | Reply], fails: int | None = None) -> None:
        self.says, self.fails, self.asked = list(says), fails, list[Question]()

    def replies(self, questions: Sequence[Question], *, likelihood: bool) -> Iterator[tuple[int, Reply]]:
        for place, question in enumerate(questions):
            if self.fails == len(self.asked):
                raise NoReply("1 question got no reply: it answered 500")
            self.asked.append(question)
            said = self.says.pop(0)
            yield place, said if isinstance(said, Reply) else Reply(said)


def reads(folder: Path, *replies: dict[str, Any]) -> dict[str, Manifest]:
    """Two questions, and what a model m replied to each in turn."""
    known = {"kind": "choice", "question": "Is it open?", "options": ["Open", "Closed"], "images": [], "group": "g"}
    asked = [
        dict.fromkeys(ASKED.columns.names) | known | {"question_id": name, "place": place, "answer": answer}
        for place, (name, answer) in enumerate((("q1", "a"), ("q2", "b")), 1)
    ]
    row = {"model": "m", "order": "as_written", "vision": True, "prompt": "?", "seconds": 0.0, "status": "ok"}
    rows = [dict.fromkeys(PREDICTIONS.columns.names) | row | one for one in replies]
    return {
        "questions": committed(folder / "questions", ASKED, pa.Table.from_pylist(asked, schema=ASKED.columns)),
        "predictions-m": committed(
            folder / "predictions-m", PREDICTIONS, pa.Table.from_pylist(rows, schema=PREDICTIONS.columns)
        ),
    }


def graded(judge: Judge, given: dict[str, Manifest], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    monkeypatch.setattr(grade, "load", lambda *asked: judge)
    stage = Grade("m", GRADER, str(folder / "_replies"))
    stage.setup(Machine())
    assert stage.computed() == "judge, today"
    [task] = stage.plan(given)
    return [row for part in stage.process(task, given) for row in part.table.to_pylist()]


FIRST, SECOND = {"question_id": "q1", "response": "It is open."}, {"question_id": "q2", "response": "(b)"}


def test_the_request_is_mmvps_to_the_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Source: tsb0601/MMVP, scripts/gpt_grader.py."""
    judge = Judge(["yes", "no"])
    found = graded(judge, reads(tmp_path, FIRST, SECOND | {"order": REVERSED}), tmp_path, monkeypatch)
    assert judge.asked[0].words == (
        "Given the following question Is it open? (a) Open (b) Closed, the correct answer is (a). "
        "Does the following answer correctly answers the question, answer:It is open.?"
    )
    assert judge.asked[1].words == (
        "Given the following question Is it open? (a) Closed (b) Open, the correct answer is (a). "
        "Does the following answer correctly answers the question, answer:(b)?"
    )
    assert judge.asked[0].system == (
        "You are a helpful and precise assistant for checking the quality of the answer. "
        "Please answer in only yes or no."
    )
    assert {question.image for question in judge.asked} == {None}
    assert [row["verdict"] for row in found] == ["yes", "no"]
    assert found[0]["prompt"] == judge.asked[0].words


@pytest.mark.parametrize(
    ("said", "verdict", "status"),
    [
        ("yes", "yes", "ok"),
        ("YES", "yes", "ok"),
        ("No", "no", "ok"),
        ("yes\n", "yes", "ok"),
        ("Yes.", None, "unparsed"),
        (" yes", None, "unparsed"),
        ("yes, it does", None, "unparsed"),
        ("", None, "unparsed"),
        (Reply(None, "failed", error="500"), None, "failed"),
        (Reply("I won't", "refused", error="policy"), None, "refused"),
        (Reply("ye", "truncated", error="cut"), None, "truncated"),
    ],
)
def test_only_a_whole_yes_or_no_is_a_verdict(
    said: str | Reply, verdict: str | None, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [found] = graded(Judge([said]), reads(tmp_path, FIRST), tmp_path, monkeypatch)
    assert (found["verdict"], found["status"]) == (verdict, status)
    assert (found["error"] is None) == (status == "ok")


def test_only_replies_in_words_are_graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = ({"question_id": "q2", "status": "failed", "error": "500"}, {"question_id": "q2", "scores": [0.1, 0.2]})
    for number, other in enumerate(others):
        judge = Judge(["yes"])
        given = reads(tmp_path / str(number), FIRST, other)
        assert len(graded(judge, given, tmp_path / str(number), monkeypatch)) == len(judge.asked) == 1


def test_after_a_failure_only_the_rest_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = reads(tmp_path, FIRST, SECOND)
    with pytest.raises(NoReply):
        graded(Judge(["yes"], fails=1), given, tmp_path, monkeypatch)
    rest = Judge(["no"])
    found = graded(rest, given, tmp_path, monkeypatch)
    assert [row["verdict"] for row in found] == ["yes", "no"]
    assert [question.question_id for question in rest.asked] == ["q2"]


# what is kept of replies


def question(**more: Any) -> Question:
    return Question(
        **{"question_id": "q", "words": "Open?", "image": b"jpeg", "letters": ("A", "B"), "right": "A"} | more
    )


@pytest.mark.parametrize(
    "other",
    [
        {"words": "Closed?"},
        {"image": b"png"},
        {"image": None},
        {"question_id": "r"},
        {"letters": ("(a)", "(b)")},
        {"system": "Be kind."},
    ],
)
def test_a_kept_reply_is_found_for_the_very_same_request_alone(other: dict[str, Any], tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    Replies(folder, "model m").keep(question(), said := Reply("A", scores=(-0.5, -1.0), tokens_in=7, seconds=0.25))
    kept = Replies(folder, "model m")
    assert kept.find(question()) == said
    assert kept.find(question(**other)) is None
    assert Replies(folder, "model n").find(question()) is None


def test_a_kept_reply_that_is_torn_is_asked_again(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    Replies(folder, "m").keep(question(), Reply("A"))
    [name] = folder.sizes()
    for data in (b"", folder.read(name)[:20], b"[]", b'{"response": "A"}'):
        folder.write(name, data)
        assert Replies(folder, "m").find(question()) is None
        judge = Judge(["B"])
        assert [one.response for one in Replies(folder, "m").replies(judge, [question()])] == ["B"]
        folder.write(name, data)
    drop_replies(folder)
    assert not folder.sizes()


def test_no_reply_is_a_reason_to_stop_for_a_task(tmp_path: Path) -> None:
    assert issubclass(NoReply, BlindpairsError)
