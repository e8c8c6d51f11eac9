"""What a server's reply to a question means: words, a letter, a refusal, a failure for good, or likelihoods."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from world.chat_server import Reply as Sent
from world.chat_server import chat_server, completion, failure, said, top
from world.server_models import questions, reply_of, server_model

from manifests.errors import Refused
from stages.models.answering.base import Reply


def replied(reply: Sent, *, likelihood: bool = False, **settings: Any) -> Reply:
    with chat_server(reply) as server:
        question = questions(1, letters=settings.pop("letters", ("A", "B")))[0]
        return replace(reply_of(server_model(server.url, **settings), question, likelihood=likelihood), seconds=0.0)


def test_a_reply_is_kept_exactly_with_its_tokens() -> None:
    assert replied(completion(" A.\n", usage=(900, 3))) == Reply(" A.\n", tokens_in=900, tokens_out=3)


def test_a_server_that_does_not_count_tokens_leaves_them_unknown() -> None:
    assert replied(said("A")) == Reply("A")
    assert replied(completion("A", usage=(-1, 2))).tokens_in is None


def test_a_reply_that_was_cut_is_truncated_even_without_a_word() -> None:
    told = {"status": "truncated", "tokens_in": 9, "tokens_out": 64, "error": "the reply was cut at 64 tokens"}
    assert replied(completion("It is", finish="length", usage=(9, 64))) == Reply("It is", **told)
    assert replied(completion(None, finish="length", usage=(9, 64))) == Reply("", **told)


@pytest.mark.parametrize(
    ("reply", "words", "why"),
    [
        (completion("It", finish="content_filter"), "It", "content filter"),
        (completion(None, refusal="I will not look at people."), None, "refused: I will not look at people."),
        (failure(400, "It was filtered.", code="content_filter"), None, "answered 400: It was filtered."),
        (failure(400, "no", innererror={"code": "ResponsibleAIPolicyViolation"}), None, "answered 400: no"),
        (failure(403, "no", code=403, metadata={"reasons": ["x"], "flagged_input": "y"}), None, "answered 403: no"),
    ],
)
def test_a_refusal_is_refused_with_its_reason(reply: Sent, words: str | None, why: str) -> None:
    found = replied(reply)
    assert (found.status, found.response) == ("refused", words)
    assert why in str(found.error)


def test_json_is_unwrapped_to_its_letter_and_other_words_stay() -> None:
    assert replied(said({"answer": "B"}), structured="json_schema").response == "B"
    for words in ('{"answer": 2}', '{"letter": "B"}', "B", "[]"):
        assert replied(said(words), structured="json_schema").response == words
    assert replied(said({"answer": "B"})).response == '{"answer": "B"}'
    cut = replied(completion('{"answer', finish="length"), structured="json_schema")
    assert (cut.status, cut.response) == ("truncated", '{"answer')


@pytest.mark.parametrize("message", ["This model's maximum context length is 4096 tokens.", "bad image"])
@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_one_question_gets_wrong_fails_it_for_good(message: str, status: int) -> None:
    found = replied(failure(status, message))
    assert (found.status, found.response) == ("failed", None)
    assert str(found.error).endswith(f"answered {status}: {message}")


# likelihoods


def scores(*alternatives: tuple[str, float], letters: tuple[str, ...] = ("A", "B")) -> list[float]:
    """Probabilities, not logarithms."""
    sent = [(token, math.log(value)) for token, value in alternatives]
    reply = replied(completion("A", finish="length", logprobs=top(*sent)), likelihood=True, letters=letters)
    assert (reply.response, reply.status) == (None, "ok")
    return [math.exp(score) for score in reply.scores or ()]


def test_an_options_score_sums_all_tokens_that_name_it_and_no_others() -> None:
    found = scores(
        ("A", 0.3), (" B", 0.2), (" A", 0.1), ("(A", 0.05), ("A)", 0.01), ("a", 0.09), ("An", 0.08), ("(", 0.1)
    )
    assert found == pytest.approx([0.46, 0.2])


def test_letters_in_brackets_and_words_are_named_by_their_tokens_too() -> None:
    assert scores(("(b", 0.5), ("a", 0.2), ("(", 0.1), ("A", 0.05), letters=("(a)", "(b)")) == pytest.approx([0.2, 0.5])
    assert scores(("yes", 0.4), ("▁Yes", 0.3), (" no", 0.1), letters=("Yes", "No")) == pytest.approx([0.7, 0.1])


def test_a_letter_that_is_not_among_the_alternatives_has_no_probability() -> None:
    reply = replied(
        completion("A", logprobs=top(("A", -0.5), ("B", -9999.0))), likelihood=True, letters=("A", "B", "C")
    )
    assert reply.scores == (pytest.approx(-0.5), -math.inf, -math.inf)


@pytest.mark.parametrize(
    "reply",
    [completion("A"), completion("A", logprobs={"content": []}), failure(400, "unknown parameter: top_logprobs")],
)
def test_a_server_without_log_probabilities_is_refused_with_a_remedy(reply: Sent) -> None:
    with pytest.raises(Refused, match=r"no log-probabilities of tokens, so .* no likelihood; set answer: text"):
        replied(reply, likelihood=True)


def test_numbers_that_no_table_holds_are_unknown() -> None:
    assert replied(completion("A", usage=(10**30, 1 << 63))) == Reply("A")
    sent = completion("A", logprobs=top(("B", -0.5), ("A", -(10**400))))
    assert replied(sent, likelihood=True).scores == (-math.inf, pytest.approx(-0.5))
