"""Models whose scores are known beforehand: always the first option, always the right one, and a fair coin."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from manifests.errors import Refused
from stages.base import Machine
from stages.models.answering.base import AnsweringModel, Generation, Question, load
from stages.models.answering.settings import BuiltIn

AB = ("(a)", "(b)")


def model(kind: Literal["always_a", "coin", "oracle"], seed: int = 0) -> AnsweringModel:
    return load(BuiltIn(kind=kind), None, Generation(8, seed=seed), Machine())


def replies(made: AnsweringModel, questions: list[Question]) -> list[str | None]:
    found = dict(made.replies(questions, likelihood=False))
    return [found[place].response for place in range(len(questions))]


def asked(count: int, letters: tuple[str, ...] = AB) -> list[Question]:
    return [Question(f"q{n}", f"Which, {n}?", None, letters, letters[n % len(letters)]) for n in range(count)]


def test_the_oracle_is_right_and_always_a_takes_the_first() -> None:
    assert replies(model("oracle"), asked(5)) == ["(a)", "(b)", "(a)", "(b)", "(a)"]
    assert replies(model("always_a"), asked(5)) == ["(a)"] * 5


@given(st.lists(st.integers(0, 40), unique=True), st.integers(0, 3))
def test_a_coins_reply_does_not_depend_on_what_else_is_asked_or_by_which_worker(order: list[int], seed: int) -> None:
    questions = asked(41)
    alone = [replies(model("coin", seed), [questions[n]])[0] for n in order]
    assert replies(model("coin", seed), [questions[n] for n in order]) == alone


@pytest.mark.parametrize("letters", [AB, ("A", "B", "C", "D")])
def test_a_coin_is_fair(letters: tuple[str, ...]) -> None:
    found = replies(model("coin"), asked(4000, letters))
    for letter in letters:
        assert binomtest(found.count(letter), 4000, 1 / len(letters)).pvalue > 0.001


def test_a_coin_is_flipped_anew_for_another_seed_and_for_the_other_order_of_the_options() -> None:
    questions = asked(200)
    turned = [Question(q.question_id, q.words + " (turned)", None, AB, q.right) for q in questions]
    first = replies(model("coin"), questions)
    for other in (replies(model("coin", 1), questions), replies(model("coin"), turned)):
        same = sum(one == two for one, two in zip(first, other, strict=True))
        assert binomtest(same, 200, 0.5).pvalue > 0.001


def test_a_likelihood_is_refused() -> None:
    with pytest.raises(Refused, match="coin chooses an option and has no likelihoods; set answer: text"):
        list(model("coin").replies(asked(1), likelihood=True))
