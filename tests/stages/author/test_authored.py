"""What people make of a pair: when it is whole, what it lacks, and which changes can be written at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.author.answers import asked
from stages.author.authored import (
    CHOICES,
    DECISIONS,
    MOST,
    SIDES,
    TEXTS,
    Authored,
    Unwritable,
    checked,
    person_named,
)
from stages.patterns import PATTERNS

WHOLE = Authored(
    "l",
    "r",
    decision="kept",
    pattern="state",
    question="Is it open?",
    option_a="Open",
    option_b="Closed",
    left_answer="b",
    left_statement="a closed door",
    right_statement="an open door",
)
NO_QUESTION = {"question": "", "option_a": "", "option_b": "", "left_answer": ""}


def test_the_right_image_has_the_other_letter() -> None:
    assert [WHOLE.answer(side) for side in SIDES] == ["b", "a"]
    assert [replace(WHOLE, left_answer="a").answer(side) for side in SIDES] == ["a", "b"]
    assert [replace(WHOLE, left_answer="").answer(side) for side in SIDES] == ["", ""]


def test_each_image_has_its_own_statement() -> None:
    assert [WHOLE.statement(side) for side in SIDES] == ["a closed door", "an open door"]


def test_a_kept_pair_with_a_question_or_statements_is_whole() -> None:
    assert WHOLE.whole
    assert replace(WHOLE, left_statement="", pattern="").whole  # MMVP alone
    assert replace(WHOLE, **NO_QUESTION).whole  # MMVP-VLM alone


@pytest.mark.parametrize("decision", [one for one in DECISIONS if one != "kept"])
def test_a_pair_that_is_not_kept_is_not_whole(decision: str) -> None:
    assert not replace(WHOLE, decision=decision).whole


NO_STATEMENTS = {"left_statement": "", "right_statement": "", "pattern": ""}
PARENTHESES = "options without parentheses, at which MMVP's readers cut them"
ALL_OF_A_QUESTION = ("the question", "option a", "option b", "the right answer")


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"question": ""}, ("the question",)),
        ({"option_a": "", "option_b": ""}, ("option a", "option b")),
        ({"left_answer": ""}, ("the right answer",)),
        ({"option_a": "OPEN", "option_b": "open"}, ("two options that differ",)),
        ({"option_a": "Straße", "option_b": "STRASSE"}, ("two options that differ",)),
        *(({name: f"x{one}"}, (PARENTHESES,)) for name in ("option_a", "option_b") for one in "()"),
        (dict.fromkeys(("question", "option_a", "option_b", "left_answer"), ""), ALL_OF_A_QUESTION),
        ({"question": "", "option_a": "(x", "option_b": "(X", "left_answer": ""},
         ("the question", "two options that differ", PARENTHESES, "the right answer")),
    ],
)  # fmt: skip
def test_what_a_question_lacks_is_said_and_alone_it_is_not_whole(
    changes: dict[str, str], lacks: tuple[str, ...]
) -> None:
    pair = replace(WHOLE, **{**NO_STATEMENTS, **changes})
    assert pair.lacks == pair.question_lacks == lacks
    assert not pair.asks
    assert not pair.whole


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"left_statement": ""}, ("the left statement",)),
        ({"right_statement": ""}, ("the right statement",)),
        ({"pattern": ""}, ("a pattern for its statements",)),
        ({"left_statement": "A door", "right_statement": "a DOOR"}, ("two statements that differ",)),
        ({"left_statement": "", "pattern": ""}, ("the left statement", "a pattern for its statements")),
    ],
)
def test_what_statements_lack_is_said_and_alone_they_are_not_whole(
    changes: dict[str, str], lacks: tuple[str, ...]
) -> None:
    pair = replace(WHOLE, **{**NO_QUESTION, **changes})
    assert pair.lacks == pair.statements_lack == lacks
    assert not pair.states
    assert not pair.whole


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"question": ""}, ("the question",)),
        ({"option_b": "Open"}, ("two options that differ",)),
        ({"right_statement": ""}, ("the right statement",)),
        ({"pattern": ""}, ("a pattern for its statements",)),
    ],
)
def test_a_whole_part_is_enough_and_what_the_begun_part_lacks_is_still_said(
    changes: dict[str, str], lacks: tuple[str, ...]
) -> None:
    pair = replace(WHOLE, **changes)
    assert pair.whole
    assert pair.asks != pair.states
    assert pair.lacks == lacks


def test_of_a_part_that_nobody_began_nothing_is_lacking() -> None:
    assert replace(WHOLE, **NO_STATEMENTS).lacks == ()
    assert replace(WHOLE, **{**NO_STATEMENTS, "pattern": "state"}).lacks == ()  # a pattern alone begins nothing
    assert replace(WHOLE, **NO_QUESTION).lacks == ()
    assert replace(WHOLE, **NO_QUESTION, **NO_STATEMENTS).lacks == ALL_OF_A_QUESTION


def test_both_parts_that_were_begun_are_told_of() -> None:
    pair = replace(WHOLE, left_answer="", left_statement="")
    assert pair.lacks == ("the right answer", "the left statement")
    assert not pair.whole


def test_a_draft_is_not_whole_until_a_person_says_yes() -> None:
    pair = replace(WHOLE, draft="model")
    assert pair.lacks == ("a person's yes to the draft",)
    assert not pair.whole
    assert replace(pair, question="").lacks == pair.lacks


@pytest.mark.parametrize("name", ["ann", "Ann", " ANN ", "bob", "BOB\t", "Straße", "STRASSE"])
def test_whoever_ever_wrote_words_of_it_wrote_it_however_the_name_is_spelt(name: str) -> None:
    assert replace(WHOLE, author="ann", writers="bob\nann\nStrasse").wrote(name)


@pytest.mark.parametrize("name", ["an", "ann bob", "bo", "ann\nbob", "eve"])
def test_nobody_else_wrote_it(name: str) -> None:
    assert not replace(WHOLE, author="ann", writers="bob\nann", changed_by="eve").wrote(name)


def test_an_author_of_a_row_without_writers_wrote_it() -> None:
    assert replace(WHOLE, author="ann").wrote("Ann")


def test_each_writer_is_named_once_in_the_order_in_which_they_came() -> None:
    pair = WHOLE
    for person in ("ann", "bob", "ann", "cat", "bob"):
        pair = replace(pair, writers=pair.written_by(person))
    assert pair.writers == "ann\nbob\ncat"


@pytest.mark.parametrize("decision", [one for one in DECISIONS if one != "open"])
def test_a_pair_is_blank_where_nothing_is_said_of_it(decision: str) -> None:
    assert Authored("l", "r", use="training", author="ann", version=4).blank
    assert not Authored("l", "r", decision=decision).blank
    for name in TEXTS:
        assert not replace(Authored("l", "r"), **{name: "x"}).blank


def test_a_pair_is_blank_where_only_a_key_was_pressed_on_empty_fields() -> None:
    assert Authored("l", "r", left_answer="a", pattern="color", use="training", author="ann", version=3).blank


@pytest.mark.parametrize("field", ["question", "option_a", "option_b"])
def test_what_is_asked_changes_with_any_word_of_it(field: str) -> None:
    assert asked(replace(WHOLE, **{field: "x"})) != asked(WHOLE)


def test_what_is_asked_stays_where_only_the_right_answer_was_mended() -> None:
    assert asked(replace(WHOLE, left_answer=WHOLE.answer("right"))) == asked(WHOLE)


def test_what_is_asked_does_not_change_with_what_is_not_asked() -> None:
    others = {"pattern": "text", "left_statement": "x", "decision": "open", "version": 9, "author": "bob", "draft": "m"}
    others |= {"writers": "ann\nbob", "left_answer": "a", "changed_by": "eve"}
    assert asked(replace(WHOLE, **others)) == asked(WHOLE)  # type: ignore[arg-type]


def test_words_do_not_run_into_one_another() -> None:
    assert asked(replace(WHOLE, option_a="ab", option_b="c")) != asked(replace(WHOLE, option_a="a", option_b="bc"))


def test_a_pair_goes_through_json_unchanged() -> None:
    pair = replace(WHOLE, question='Ist "das" <b>offen</b>?', first="right", place=7, version=3, author="ann")
    pair = replace(pair, writers="ann\nbob", changed_by="cat", changed_at="2026-01-01T00:00:00+00:00")
    assert Authored(**json.loads(json.dumps(pair.to_json()))) == pair


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=MOST + 20)
changes = st.dictionaries(st.sampled_from(TEXTS), texts, max_size=len(TEXTS))


@settings(deadline=None)
@given(changes)
def test_texts_come_out_as_one_line_of_the_same_words(said: dict[str, str]) -> None:
    try:
        found = checked(said)
    except Unwritable:
        assert any(len(text) > MOST or "Cs" in map(category, text) for text in said.values())
        return
    assert set(found) == set(said)
    for name, text in found.items():
        assert text.split() == "".join(" " if category(one) == "Cc" else one for one in said[name]).split()
        assert len(text.splitlines()) <= 1
        assert not set("\n\r\t\0\v\f\x85\u2028\u2029") & set(text)
        assert text == text.strip()
    assert checked(found) == found


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_one_of_its_values(name: str) -> None:
    for value in CHOICES[name]:
        assert checked({name: value}) == {name: value}
    with pytest.raises(Unwritable, match=f"{name} is one of .*, not 'perhaps'"):
        checked({name: "perhaps"})


def test_every_pattern_can_be_chosen_and_none_too() -> None:
    assert set(CHOICES["pattern"]) == {"", *(pattern.name for pattern in PATTERNS)}


@pytest.mark.parametrize("name", ["decision", "use"])
def test_a_decision_and_a_use_are_never_nothing(name: str) -> None:
    with pytest.raises(Unwritable):
        checked({name: ""})


@pytest.mark.parametrize(
    "change",
    [{"version": "3"}, {"author": "eve"}, {"left_id": "x"}, {"draft": ""}, {"first": "left"}, {"place": "1"},
     {"authored_at": "now"}, {"Question": "x"}, {"": "x"}, {"question": 3}, {"question": None}, {"question": ["x"]}],
)  # fmt: skip
def test_nothing_else_can_be_written(change: dict[str, Any]) -> None:
    with pytest.raises(Unwritable, match="cannot be written so"):
        checked({"option_a": "fine", **change})


def test_a_text_may_have_500_characters_and_no_more() -> None:
    assert len(checked({"question": " " + "x" * 500 + "\n"})["question"]) == 500
    with pytest.raises(Unwritable, match="question has 501 characters; at most 500"):
        checked({"question": "x" * 501})


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(Unwritable):
        checked({"question": json.loads('"caf\\ud83d"')})


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x08", "\x7f", "\x9b"])
def test_control_characters_are_taken_out_or_refused(character: str) -> None:
    try:
        text = checked({"question": f"Is it{character} open?"})["question"]
    except Unwritable:
        return
    assert character not in text


def test_a_persons_name_is_one_line_of_text() -> None:
    assert person_named("  Ann \n Öz\x07 ") == "Ann Öz"
    for odd in ("", " \n\t", "\x00", "caf\ud83d", "x" * (MOST + 1)):
        with pytest.raises(Unwritable):
            person_named(odd)
