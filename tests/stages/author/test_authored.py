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
from stages.author.authored import CHOICES, DECISIONS, MOST, SIDES, TEXTS, Authored, Unwritable, checked
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


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"question": ""}, ("question",)),
        ({"option_a": "", "option_b": ""}, ("option a", "option b")),
        ({"left_answer": ""}, ("which option is right",)),
        ({"draft": "model"}, ("a person's yes to the draft",)),
        ({**NO_QUESTION, "pattern": ""}, ("question", "option a", "option b", "which option is right")),
        ({**NO_QUESTION, "right_statement": ""}, ("question", "option a", "option b", "which option is right")),
        ({**NO_QUESTION, "option_b": "x"}, ("question", "option a", "which option is right")),
    ],
)
def test_what_is_still_to_be_written_is_said(changes: dict[str, str], lacks: tuple[str, ...]) -> None:
    pair = replace(WHOLE, **changes)
    assert pair.lacks == lacks
    assert not pair.whole


@pytest.mark.parametrize("field", ["question", "option_a", "option_b"])
def test_what_is_asked_changes_with_any_word_of_it(field: str) -> None:
    assert asked(replace(WHOLE, **{field: "x"})) != asked(WHOLE)


def test_what_is_asked_stays_where_only_the_right_answer_was_mended() -> None:
    assert asked(replace(WHOLE, left_answer=WHOLE.answer("right"))) == asked(WHOLE)


def test_what_is_asked_does_not_change_with_what_is_not_asked() -> None:
    others = {"pattern": "text", "left_statement": "x", "decision": "open", "version": 9, "author": "bob", "draft": "m"}
    assert asked(replace(WHOLE, **others)) == asked(WHOLE)  # type: ignore[arg-type]


def test_words_do_not_run_into_one_another() -> None:
    assert asked(replace(WHOLE, option_a="ab", option_b="c")) != asked(replace(WHOLE, option_a="a", option_b="bc"))


def test_a_pair_goes_through_json_unchanged() -> None:
    pair = replace(WHOLE, question='Ist "das" <b>offen</b>?', first="right", place=7, version=3, author="ann")
    assert Authored.from_json(json.loads(json.dumps(pair.to_json()))) == pair


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
