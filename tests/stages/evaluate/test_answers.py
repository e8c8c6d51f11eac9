"""Kept replies are read, by one scorer's rules or another's, into answers; what is no answer stays what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.evaluations import question
from world.replying import evaluation, prediction, read_answers, read_one, told

from manifests.errors import Refused
from stages.evaluate.answers import ReadAnswers
from stages.evaluate.reading import READERS, Reader

ABOUT_A, ABOUT_B = question(1, "pair"), question(2, "pair", category="state", source="s")  # right: a, and b


def test_an_answer_has_what_belongs_to_its_question(tmp_path: Path) -> None:
    replies = [prediction("q00002", response="B"), prediction("q00001", response="(b)")]
    second, first = read_answers(evaluation(tmp_path, [ABOUT_A, ABOUT_B], replies, shards=[1, 1]))
    assert (first["question_id"], told(first)) == ("q00001", ("b", "letter", False, "ok"))
    assert (second["question_id"], told(second)) == ("q00002", ("b", "letter", True, "ok"))
    assert (second["model"], second["group"], second["category"], second["source"]) == ("m", "pair", "state", "s")
    assert (first["category"], first["error"]) == (None, None)


@pytest.mark.parametrize(
    ("reader", "letter"),
    [("form", None), ("cambrian", None), ("ours", "b"), ("lmms-eval", None), ("vlmevalkit", "b"), ("pope", None)],
)
def test_the_same_replies_are_read_again_by_other_rules(reader: str, letter: str | None, tmp_path: Path) -> None:
    reads = evaluation(tmp_path, [ABOUT_B], [prediction("q00002", response="So it is Closed")])
    [answer] = read_answers(reads, reader)
    assert answer["answer"] == letter
    assert answer["status"] == ("unparsed" if letter is None else "ok")
    assert answer["right"] is (None if letter is None else True)
    assert (answer["error"] is None) == (letter is not None)


def test_each_form_has_its_own_rules(tmp_path: Path) -> None:
    read_by = {
        form: read_one(tmp_path / form, ABOUT_B, model={"prompt": form}, response="It is a door. (b)")["answer"]
        for form in ("mmvp", "letter", "lmms-eval", "vlmevalkit", "ours")
    }
    assert read_by == {"mmvp": "b", "letter": None, "lmms-eval": "a", "vlmevalkit": None, "ours": "b"}


def test_the_lineage_names_the_rules_and_their_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ReadAnswers("cambrian").settings == {"reading": {"reader": "cambrian", "versions": {"cambrian": 1}}}
    before = ReadAnswers().settings
    assert set(before["reading"]["versions"]) == set(READERS)
    monkeypatch.setitem(READERS, "ours", Reader(READERS["ours"].read, 2))  # type: ignore[misc]
    assert ReadAnswers().settings != before
    assert ReadAnswers("cambrian").settings == {"reading": {"reader": "cambrian", "versions": {"cambrian": 1}}}
    assert ReadAnswers().rebuildable


def test_rules_of_an_unknown_name_are_refused() -> None:
    with pytest.raises(Refused, match=r"'cambrain'.*did you mean cambrian"):
        ReadAnswers("cambrain")


@pytest.mark.parametrize("status", ["failed", "refused", "truncated"])
@pytest.mark.parametrize("reader", ["form", "ours", "pope"])
def test_what_is_no_reply_is_no_answer_whatever_it_says(status: str, reader: str, tmp_path: Path) -> None:
    for place, kept in enumerate(({"response": "B"}, {"response": None}, {"scores": [-9.0, -0.1]})):
        answer = read_one(tmp_path / str(place), ABOUT_B, reader, status=status, error="so it is", **kept)
        assert told(answer) == (None, None, None, status)
        assert answer["error"] == "so it is"


@pytest.mark.parametrize("reader", ["form", "cambrian", "ours", "lmms-eval", "vlmevalkit"])
def test_a_reply_of_nothing_is_unparsed(reader: str, tmp_path: Path) -> None:
    for place, said in enumerate(("", " \n", None)):
        assert told(read_one(tmp_path / str(place), ABOUT_A, reader, response=said)) == (None, None, None, "unparsed")


@pytest.mark.parametrize(
    ("reply", "letter"), [("A", "c"), ("(b)", "b"), ("C", "a"), ("blue", "c"), ("The answer is red.", "a"), ("D", None)]
)
def test_options_asked_in_reverse_are_counted_as_they_are_written(
    reply: str, letter: str | None, tmp_path: Path
) -> None:
    asked = question(1, "one", options=["red", "green", "blue"], answer="c")
    answer = read_one(tmp_path, asked, "ours", order="reversed", response=reply)
    assert (answer["order"], answer["answer"]) == ("reversed", letter)
    assert answer["right"] is (None if letter is None else letter == "c")


def test_yes_or_no_is_read_as_words_unless_the_form_gave_them_letters(tmp_path: Path) -> None:
    asked = question(1, "one", kind="yes_no", options=["yes", "no"], answer="b")
    for form, said, letter in (
        *(("letter", "No.", "b"), ("letter", "B", None), ("lmms-eval", "no", "b"), ("vlmevalkit", "No, it is", "b")),
        *(("ours", "No, there is none", "b"), ("ours", "B", None), ("mmvp", "(b)", "b"), ("mmvp", "no", "b")),
    ):
        answer = read_one(tmp_path / f"{form} {said}", asked, model={"prompt": form}, response=said)
        assert (form, said, answer["answer"]) == (form, said, letter)
    turned = read_one(tmp_path / "turned", asked, model={"prompt": "ours"}, response="Yes", order="reversed")
    assert told(turned) == ("a", "option", False, "ok")
